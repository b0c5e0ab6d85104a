import type { Draft, JsonObject, Micros, Point, Query } from '../../core/contract/index.ts';
import type { Partition } from '../cassandra/keys.ts';
import { draftOf } from '../cassandra/row.ts';
import { LOGS } from '../cassandra/tables.ts';
import type { Row } from './changes-store.ts';
import type { Reads } from './reads.ts';
import { compare } from './strands.ts';

export interface Line extends Point {
  readonly host: string | null;
  readonly body: string | null;
}

export type Stretch = Pick<Query, 'from' | 'to' | 'order' | 'after'>;

/** Partitions that one statement names. */
const MOST_NAMED = 16;
const COLUMNS = 'time, id, host, body';
const ID = /^[\x21-\x7e]{1,96}$/;

/** Reads lines of one query. Points of both ends are exclusive, and no id is empty, so that a time alone is a point. */
export class Lines {
  readonly #reads: Reads;
  readonly #stretch: Stretch;
  readonly #signal: AbortSignal;

  constructor(reads: Reads, stretch: Stretch, signal: AbortSignal) {
    this.#reads = reads;
    this.#stretch = stretch;
    this.#signal = signal;
  }

  /** At most so many first lines of each shard of a service's hour, by shard. */
  async firstOfShards(service: string, hour: Micros, most: number): Promise<readonly (readonly Line[])[]> {
    const [from, to] = this.bounds();
    const lines: Line[][] = Array.from({ length: this.#reads.shards }, () => []);
    const query = `SELECT shard, ${COLUMNS} FROM ${this.#reads.name(LOGS)} WHERE service = ? AND hour = ? AND shard IN ?
      AND (time, id) > (?, ?) AND (time, id) < (?, ?)${this.direction} PER PARTITION LIMIT ?`;
    await Promise.all(
      pieces([...lines.keys()], MOST_NAMED).map(async (shards) => {
        const rows = await this.#read(query, [service, new Date(hour / 1000), shards, ...from, ...to, most]);
        for (const row of rows) lines[row['shard'] as number]?.push(lineOf(row));
      }),
    );
    return lines;
  }

  /** Lines of a partition behind a point; of one level, where it is given, which the index tells. */
  async next({ service, hour, shard }: Partition, level: string | undefined, behind: Point | undefined, most: number): Promise<Line[]> {
    const [from, to] = this.bounds(behind);
    const query = `SELECT ${COLUMNS} FROM ${this.#reads.name(LOGS)} WHERE service = ? AND hour = ? AND shard = ?
      AND (time, id) > (?, ?) AND (time, id) < (?, ?)${level === undefined ? '' : ' AND level = ?'}${this.direction} LIMIT ?`;
    const levels = level === undefined ? [] : [level];
    const rows = await this.#read(query, [service, new Date(hour / 1000), shard, ...from, ...to, ...levels, most]);
    return rows.map(lineOf);
  }

  /** Lines of a partition by their points, those that are there. */
  async at({ service, hour, shard }: Partition, points: readonly Point[]): Promise<Line[]> {
    const query = `SELECT ${COLUMNS} FROM ${this.#reads.name(LOGS)} WHERE service = ? AND hour = ? AND shard = ? AND time = ? AND id = ?`;
    const found = await Promise.all(
      points.map(({ time, id }) => this.#read(query, [service, new Date(hour / 1000), shard, BigInt(time), id])),
    );
    return found.flat().map(lineOf);
  }

  /** Between which two points there is what is still wanted, as values of CQL. */
  bounds(behind?: Point): readonly [readonly [bigint, string], readonly [bigint, string]] {
    const { from, to, order, after } = this.#stretch;
    const points = [behind, after].filter((point) => point !== undefined);
    const begin = points.reduce((a, b) => (compare(order, a, b) > 0 ? a : b), { time: order === 'newest' ? to : from, id: '' });
    const end = { time: order === 'newest' ? from : to, id: '' };
    const [low, high] = order === 'newest' ? [end, begin] : [begin, end];
    return [
      [BigInt(low.time), low.id],
      [BigInt(high.time), high.id],
    ];
  }

  /** Tables have the newest first by themselves. */
  get direction(): string {
    return this.#stretch.order === 'oldest' ? ' ORDER BY time ASC, id ASC' : '';
  }

  async #read(query: string, params: readonly unknown[]): Promise<readonly Row[]> {
    const rows = await this.#reads.rows({ query, params }, this.#signal);
    this.#reads.weigh(rows.map((row) => (row['body'] as string | null)?.length ?? 0));
    return rows;
  }
}

function lineOf(row: Row): Line {
  return { time: Number(row['time']), id: row['id'] as string, host: row['host'] as string | null, body: row['body'] as string | null };
}

/** Undefined when it is no line, since somebody else wrote into the table. */
export function entryOf({ time, id, host, body: json }: Line, ownHost: string): Draft | undefined {
  if (json === null || /[\r\n]/.test(json) || !ID.test(id)) return undefined;
  const body = parsed(json);
  return body && { ...draftOf({ time, id, host: host ?? ownHost, body: json }, ownHost), body, sound: true };
}

function parsed(json: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
  } catch {
    return undefined; // No JSON: the caller counts it.
  }
}

export function pieces<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) => all.slice(index * size, (index + 1) * size));
}
