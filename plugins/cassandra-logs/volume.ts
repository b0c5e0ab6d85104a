import type { Micros, Query, Volume } from '../../core/contract/index.ts';
import { linesByHours } from './by-hours.ts';
import { Lines } from './lines.ts';
import type { Reads } from './reads.ts';

/** The times of the oldest line and of the newest; how many there are is not known without reading all. */
export async function volumeOf(reads: Reads, signal: AbortSignal): Promise<Volume> {
  const [oldest, newest] = await Promise.all([endOf(reads, 'oldest', signal), endOf(reads, 'newest', signal)]);
  return { ...(oldest !== undefined && { oldest }), ...(newest !== undefined && { newest }) };
}

export function newestOf(reads: Reads, signal: AbortSignal): Promise<Micros | undefined> {
  return endOf(reads, 'newest', signal);
}

async function endOf(reads: Reads, order: Query['order'], signal: AbortSignal): Promise<Micros | undefined> {
  const range = { from: 0, to: Number.MAX_SAFE_INTEGER, order };
  const lines = new Lines(reads, range, signal);
  for await (const [line] of linesByHours({ reads, lines, order, narrowing: {} }, { ...range, limit: 1 }, signal)) return line?.time;
  return undefined;
}
