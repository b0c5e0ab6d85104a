import type { Micros } from '../../core/contract/index.ts';
import { DAY, dayOf, HOUR, hourOf } from '../cassandra/keys.ts';
import { HOURS } from '../cassandra/tables.ts';
import { type LogStore, pagesOf, type Row } from './changes-store.ts';

/** One service's hour, as the directory has it. */
export interface ServiceHour {
  readonly service: string;
  /** Begin of the hour. */
  readonly hour: Micros;
  /** When each writer touched it last: time-based UUIDs, in the order of the writers' names. */
  readonly touched: readonly string[];
  /** The newest of these times, in milliseconds since 1970. */
  readonly newest: number;
}

const PAGE = 2000;
/** A longer time is looked for among the days that there are. */
const FEW_DAYS = 40;

/** Days of the directory with hours in `[from, to)`, oldest first, as `YYYY-MM-DD`; days of a short time, whether they have any or not. */
export async function daysOf(store: LogStore, from: Micros, to: Micros, signal: AbortSignal): Promise<readonly string[]> {
  if (from >= to) return [];
  if (to - from <= FEW_DAYS * DAY) {
    const days: string[] = [];
    for (let day = Math.floor(from / DAY) * DAY; day < to; day += DAY) days.push(dayOf(day));
    return days;
  }
  const days: string[] = [];
  const query = `SELECT DISTINCT day FROM ${store.store().keyspace}.${HOURS}`;
  for await (const rows of pagesOf(store, { query, params: [] }, PAGE, signal)) for (const row of rows) days.push(String(row['day']));
  const begin = (day: string) => Date.parse(day) * 1000;
  return days.filter((day) => begin(day) < to && begin(day) + DAY > from).sort((a, b) => begin(a) - begin(b));
}

/** Hours of a day that have a part in `[from, to)`, oldest first, with the services that have lines in them. */
export async function hoursOf(
  store: LogStore,
  day: string,
  { from, to }: { readonly from: Micros; readonly to: Micros },
  signal: AbortSignal,
): Promise<readonly (readonly ServiceHour[])[]> {
  const query = `SELECT hour, service, writer, touched FROM ${store.store().keyspace}.${HOURS} WHERE day = ? AND hour >= ? AND hour < ?`;
  const params = [day, dateOf(hourOf(from)), dateOf(hourOf(to - 1) + HOUR)];
  const hours = new Map<Micros, Map<string, Touch[]>>();
  for await (const rows of pagesOf(store, { query, params }, PAGE, signal)) {
    for (const row of rows) {
      const hour = (row['hour'] as Date).getTime() * 1000;
      const services = at(hours, hour, () => new Map<string, Touch[]>());
      at(services, row['service'] as string, () => []).push(touchOf(row));
    }
  }
  return [...hours]
    .sort(([a], [b]) => a - b)
    .map(([hour, services]) => [...services].map(([service, touches]) => serviceHour(service, hour, touches)));
}

interface Touch {
  readonly touched: string;
  readonly ms: number;
}

function touchOf(row: Row): Touch {
  const touched = row['touched'] as { toString(): string; getDate(): Date } | null;
  return { touched: `${row['writer']}=${touched}`, ms: touched?.getDate().getTime() ?? 0 };
}

function serviceHour(service: string, hour: Micros, touches: readonly Touch[]): ServiceHour {
  return { service, hour, touched: touches.map(({ touched }) => touched), newest: Math.max(...touches.map(({ ms }) => ms)) };
}

function at<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

/** As Cassandra's type `timestamp` takes it. */
export function dateOf(time: Micros): Date {
  return new Date(time / 1000);
}
