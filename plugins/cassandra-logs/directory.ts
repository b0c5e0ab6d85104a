import type { Micros, Query } from '../../core/contract/index.ts';
import { DAY, dayOf, hourOf } from '../cassandra/keys.ts';
import { HOURS } from '../cassandra/tables.ts';
import type { Row } from './changes-store.ts';
import type { Reads } from './reads.ts';

/** A service that may have lines in an hour. */
export interface ServiceOfHour {
  readonly service: string;
  /** Some of them have a list as their level or service. */
  readonly lists: boolean;
}

export interface HourEntry {
  /** Begin of the hour. */
  readonly hour: Micros;
  readonly services: readonly ServiceOfHour[];
}

type Range = Pick<Query, 'from' | 'to' | 'order'>;

/** A longer time is looked for among the days that there are. */
const FEW_DAYS = 3;
/** Rows of one page: an hour or more, where services and hosts are not very many. */
const PAGE = 1000;
/** Days that are asked for at a time, when those before brought little. */
const MOST_AHEAD = 16;

/** Hours that may have lines in `[from, to)`, in the query's order. A writer enters an hour before it writes the first line of it. */
export async function* hoursOf(reads: Reads, range: Range, signal: AbortSignal): AsyncGenerator<HourEntry, void, void> {
  const days = await daysOf(reads, range, signal);
  const begun: Promise<Page>[] = [];
  let next = 0;
  for (let read = 0; read < days.length; read++) {
    while (next < days.length && begun.length <= Math.min(read, MOST_AHEAD)) {
      const page = pageOf(reads, days[next++] as string, range, undefined, signal);
      // It is awaited below, unless the query has ended by then.
      page.catch(() => undefined);
      begun.push(page);
    }
    yield* hoursOfDay(reads, days[read] as string, range, await (begun.shift() as Promise<Page>), signal);
  }
}

/**
 * Days with hours, in the query's order; of a short time, whether they have any or not. For a long one the days are looked up, so
 * that neither the years before the first line nor a line from a clock that is years ahead need any guess.
 */
async function daysOf(reads: Reads, { from, to, order }: Range, signal: AbortSignal): Promise<readonly string[]> {
  const [first, last] = [Math.floor(from / DAY) * DAY, to - 1];
  const days: string[] = [];
  if (last - first < FEW_DAYS * DAY) {
    for (let day = first; day <= last; day += DAY) days.push(dayOf(day));
  } else {
    const query = `SELECT DISTINCT day FROM ${reads.name(HOURS)}`;
    let at: string | undefined;
    do {
      const page = await reads.page({ query, params: [] }, PAGE, at, signal);
      for (const row of page.rows) days.push(String(row['day']));
      at = page.next;
    } while (at);
  }
  const begin = (day: string) => Date.parse(day) * 1000;
  const sign = order === 'newest' ? -1 : 1;
  return days.filter((day) => begin(day) <= last && begin(day) >= first).sort((a, b) => sign * (begin(a) - begin(b)));
}

type Page = Awaited<ReturnType<Reads['page']>>;

function pageOf(reads: Reads, day: string, { from, to, order }: Range, at: string | undefined, signal: AbortSignal): Promise<Page> {
  const direction = order === 'oldest' ? ' ORDER BY hour ASC' : '';
  const query = `SELECT hour, service, lists FROM ${reads.name(HOURS)} WHERE day = ? AND hour >= ? AND hour <= ?${direction}`;
  const params = [day, new Date(hourOf(from) / 1000), new Date(hourOf(to - 1) / 1000)];
  return reads.page({ query, params }, PAGE, at, signal);
}

/** Rows of an hour stand together, those of a service as well: one for each writer. */
async function* hoursOfDay(
  reads: Reads,
  day: string,
  range: Range,
  first: Page,
  signal: AbortSignal,
): AsyncGenerator<HourEntry, void, void> {
  let hour: Micros | undefined;
  let services = new Map<string, boolean>();
  const entry = (): HourEntry[] =>
    hour === undefined ? [] : [{ hour, services: [...services].map(([service, lists]) => ({ service, lists })) }];
  for (let page = first; ; page = await pageOf(reads, day, range, page.next, signal)) {
    for (const row of page.rows) {
      const at = hourOfRow(row);
      if (at !== hour) {
        yield* entry();
        hour = at;
        services = new Map();
      }
      const service = row['service'] as string;
      services.set(service, services.get(service) === true || row['lists'] === true);
    }
    if (!page.next) break;
  }
  yield* entry();
}

function hourOfRow(row: Row): Micros {
  return hourOf((row['hour'] as Date).getTime() * 1000);
}
