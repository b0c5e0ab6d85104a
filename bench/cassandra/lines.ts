import { crc32 } from 'node:zlib';
import { type Entry, formatTime, type JsonObject, type Micros } from '../../core/contract/index.ts';
import { HOUR } from '../../plugins/cassandra/keys.ts';

export const SOURCE = 'app';
export const HOURS = 24;
/** The first of them writes half of the lines. */
export const SERVICES = ['api', 'worker', 'auth', 'billing', 'search'] as const;
const SHARES = [0.5, 0.75, 0.87, 0.95, 1];
const LEVELS = [
  ['INFO', 0.85],
  ['WARNING', 0.94],
  ['ERROR', 0.99],
  ['CRITICAL', 1],
] as const;
/** Requests that run at the same time, and the lines of each. */
const AT_ONCE = 7;
const LINES_OF_REQUEST = 4;

/** Where the lines are: whole hours, `[begin, end)`. */
export interface Span {
  readonly begin: Micros;
  readonly end: Micros;
}

/** The last 24 whole hours, so that nothing expires and no hour is open. */
export function spanOf(nowMs: number): Span {
  const end = Math.floor((nowMs * 1000) / HOUR) * HOUR;
  return { begin: end - HOURS * HOUR, end };
}

/** So many lines, evenly over the span, oldest first; the same ones each time but for their dates. As an agent reads them from a file. */
export function* linesOf(total: number, { begin, end }: Span): Generator<Entry, void, void> {
  const step = (end - begin) / total;
  for (let n = 0; n < total; n++) yield entryOf(n, Math.floor(begin + n * step));
}

function entryOf(n: number, time: Micros): Entry {
  const json = JSON.stringify(bodyOf(n, time));
  const place = (n * 330).toString(36).padStart(8, '0');
  const id = `f3a9c1d2e4b5.${place}.${crc32(json).toString(16).padStart(8, '0')}`;
  return {
    id,
    time,
    json,
    type: 'logs',
    source: SOURCE,
    // Parsed by whoever needs it, as that of a source which reads files.
    get body() {
      return JSON.parse(json) as JsonObject;
    },
  };
}

function bodyOf(n: number, time: Micros): JsonObject {
  const request = Math.floor(n / (AT_ONCE * LINES_OF_REQUEST)) * AT_ONCE + (n % AT_ONCE);
  const service = SERVICES[SHARES.findIndex((share) => chance(request, 1) < share)] ?? SERVICES[0];
  const level = LEVELS.find(([, share]) => chance(n, 2) < share)?.[0] ?? 'INFO';
  const part = ['views', 'models', 'tasks', 'clients'][n % 4] as string;
  return {
    timestamp: formatTime(time),
    level,
    logger: `${service}.${part}`,
    message: `order ${n} of customer ${Math.floor(chance(n, 3) * 1e6)} answered by ${part} in ${Math.floor(chance(n, 4) * 900)} ms`,
    service,
    module: part,
    function: `handle_${part}`,
    line: 10 + (n % 400),
    process_id: 4000 + (n % 8),
    thread_id: 140_000_000 + (n % 16),
    pathname: `/srv/${service}/${part}.py`,
    // One request in ten is none.
    ...(request % 10 !== 0 && { request_id: `req-${Math.floor(chance(request, 5) * 2 ** 40).toString(16)}-${request.toString(16)}` }),
  };
}

/** A number from 0 to 1 that belongs to this one and this use of it (the finalizer of murmur3). */
function chance(n: number, use: number): number {
  let mixed = Math.imul(n ^ Math.imul(use, 0x9e3779b1), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
}
