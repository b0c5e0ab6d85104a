import type { Point, Query, Volume } from '../../core/contract/index.ts';
import { linesByHours } from './by-hours.ts';
import { Lines } from './lines.ts';
import type { Reads } from './reads.ts';

/** The times of the oldest line and of the newest, which is read by `newest`; how many there are is not known without reading all. */
export async function volumeOf(reads: Reads, newest: Promise<Point | undefined>, signal: AbortSignal): Promise<Volume> {
  const [first, last] = await Promise.all([endOf(reads, 'oldest', signal), newest]);
  return { ...(first && { oldest: first.time }), ...(last && { newest: last.time }) };
}

export function newestLine(reads: Reads, signal: AbortSignal): Promise<Point | undefined> {
  return endOf(reads, 'newest', signal);
}

async function endOf(reads: Reads, order: Query['order'], signal: AbortSignal): Promise<Point | undefined> {
  const range = { from: 0, to: Number.MAX_SAFE_INTEGER, order };
  const lines = new Lines(reads, range, signal);
  for await (const [line] of linesByHours({ reads, lines, order, narrowing: {} }, { ...range, limit: 1 }, signal)) return line;
  return undefined;
}
