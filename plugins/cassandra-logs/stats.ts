import {
  describe,
  groupValue,
  type Json,
  type Log,
  type Micros,
  MOST_GROUPS,
  type StatsFacet,
  type StatsQuery,
  type StatsRow,
} from '../../core/contract/index.ts';
import { HOUR } from '../cassandra/keys.ts';
import { atOnce } from './changes-at-once.ts';
import { daysOf, hoursOf, type ServiceHour } from './changes-hours.ts';
import type { LogStore } from './changes-store.ts';
import { type Count, MOST_COUNTS, readCounts, storeCounts } from './counts.ts';
import { type CountedLine, eachLine } from './counts-lines.ts';
import { type Levels, levelsOf } from './stats-levels.ts';

export interface StoreStats extends LogStore {
  readonly log: Log;
  /** Milliseconds since 1970; the clock, unless a test has its own. */
  now?(): number;
}

const MINUTE: Micros = 60_000_000;
const AT_ONCE = 8;
/** Milliseconds after which a batch has either touched its hour again, or will write its lines anew. */
const AT_REST = 120_000;

/**
 * Counts lines by level, in buckets of whole minutes. Hours that nobody writes to are counted once: their counts are stored,
 * and believed until a writer touches the hour. Everything else, and measures, is for the core.
 */
export function storeStats(deps: StoreStats): StatsFacet {
  return {
    plan: (query) => levelsFor(query) !== undefined,
    async *run(query, run) {
      const levels = levelsFor(query);
      if (!levels) throw new Error('this query was not planned');
      const counting = new Counting(deps, query, levels, run.signal);
      for (const day of await daysOf(deps, query.from, query.to, run.signal)) {
        const hours = (await hoursOf(deps, day, query, run.signal)).flat();
        await atOnce(AT_ONCE, hours, (hour) => counting.count(hour));
        // The core refuses so many, and the rest need not be counted.
        if (counting.size > MOST_GROUPS) break;
      }
      if (counting.notStored !== undefined)
        deps.log.warn('counts were not stored, and the next request counts again', { error: counting.notStored });
      yield counting.rows();
    },
  };
}

function levelsFor({ by, bucket, measures, where }: StatsQuery): Levels | undefined {
  if (measures.length > 0 || !by.every((field) => field === 'level')) return undefined;
  if (bucket !== undefined && bucket % MINUTE !== 0) return undefined;
  return levelsOf(where);
}

interface Stretch {
  readonly from: Micros;
  readonly to: Micros;
}

class Counting {
  readonly #deps: StoreStats;
  readonly #query: StatsQuery;
  readonly #levels: Levels;
  readonly #signal: AbortSignal;
  /** By the JSON text of bucket and group. */
  readonly #groups = new Map<string, { readonly time: Micros | undefined; readonly level: Json; count: number }>();
  /** Why some counts could not be stored. */
  notStored: string | undefined;

  constructor(deps: StoreStats, query: StatsQuery, levels: Levels, signal: AbortSignal) {
    this.#deps = deps;
    this.#query = query;
    this.#levels = levels;
    this.#signal = signal;
  }

  get size(): number {
    return this.#groups.size;
  }

  rows(): readonly StatsRow[] {
    const byLevel = this.#query.by.length > 0;
    return [...this.#groups.values()].map(({ time, level, count }) => ({
      ...(time !== undefined && { time }),
      group: byLevel ? { level } : {},
      count,
      values: {},
    }));
  }

  async count(hour: ServiceHour): Promise<void> {
    const from = Math.max(this.#query.from, hour.hour);
    const to = Math.min(this.#query.to, hour.hour + HOUR);
    const minutes = { from: Math.ceil(from / MINUTE) * MINUTE, to: Math.floor(to / MINUTE) * MINUTE };
    if (minutes.from >= minutes.to) return this.#countLines(hour, { from, to });
    const stored = await readCounts(this.#deps, hour, this.#signal);
    if (stored.valid && this.#take(hour, stored.counts, minutes)) {
      await this.#countLines(hour, { from, to: minutes.from });
      await this.#countLines(hour, { from: minutes.to, to });
      return;
    }
    const atRest = (this.#deps.now ?? Date.now)() - hour.newest > AT_REST;
    if (stored.valid || !atRest) return this.#countLines(hour, { from, to });
    await this.#countAndStore(hour, { from, to }, stored.counts);
  }

  /** False when the counts do not tell which lines are wanted; then none are taken. */
  #take({ hour }: ServiceHour, counts: readonly Count[], { from, to }: Stretch): boolean {
    const groups = counts.map(({ minute, level, lines }) => ({ time: hour + minute * MINUTE, level: JSON.parse(level) as Json, lines }));
    const within = groups.filter(({ time, lines }) => time >= from && time < to && lines > 0);
    const wanted = within.map(({ level }) => this.#levels.holdsFor(level));
    if (wanted.includes(undefined)) return false;
    for (const [index, { time, level, lines }] of within.entries()) if (wanted[index]) this.#add(time, level, lines);
    return true;
  }

  async #countLines(hour: ServiceHour, range: Stretch): Promise<void> {
    if (range.from >= range.to) return;
    await eachLine(this.#deps, hour, range, (line) => this.#addLine(line), this.#signal);
  }

  async #countAndStore(hour: ServiceHour, { from, to }: Stretch, before: readonly Count[]): Promise<void> {
    const began = performance.now();
    const counts = new Map<string, { minute: number; level: string; lines: number }>();
    let expires = Number.POSITIVE_INFINITY;
    const look = (line: CountedLine) => {
      const minute = Math.floor((line.time - hour.hour) / MINUTE);
      const level = JSON.stringify(groupValue(line.level));
      const key = `${minute} ${level}`;
      const count = counts.get(key);
      if (count) count.lines++;
      else if (counts.size <= MOST_COUNTS) counts.set(key, { minute, level, lines: 1 });
      if (line.expires !== null) expires = Math.min(expires, line.expires);
      if (line.time >= from && line.time < to) this.#addLine(line);
    };
    await eachLine(this.#deps, hour, { from: hour.hour, to: hour.hour + HOUR }, look, this.#signal);
    // Seconds were cut, and have passed since.
    const left = Math.max(1, Math.floor(expires - 1 - (performance.now() - began) / 1000));
    try {
      await storeCounts(this.#deps, hour, [...counts.values()], before, expires === Number.POSITIVE_INFINITY ? 0 : left, this.#signal);
    } catch (error) {
      this.#signal.throwIfAborted();
      this.notStored = describe(error);
    }
  }

  #addLine({ time, level }: CountedLine): void {
    if (this.#levels.holds(level)) this.#add(time, groupValue(level), 1);
  }

  #add(time: Micros, level: Json, lines: number): void {
    const { bucket, by } = this.#query;
    const begin = bucket === undefined ? undefined : Math.floor(time / bucket) * bucket;
    const key = JSON.stringify([begin ?? null, by.length > 0 ? level : null]);
    const group = this.#groups.get(key);
    if (group) group.count += lines;
    // With one more the core refuses the request.
    else if (this.#groups.size <= MOST_GROUPS) this.#groups.set(key, { time: begin, level, count: lines });
  }
}
