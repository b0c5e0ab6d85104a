import type { Point, Query } from '../../core/contract/index.ts';
import { type Partition, partitionOf } from '../cassandra/keys.ts';
import { BY_REQUEST } from '../cassandra/tables.ts';
import type { Line, Lines } from './lines.ts';
import type { Reads } from './reads.ts';
import { compare, Strand, Strands } from './strands.ts';

interface Pointer extends Point {
  readonly service: string;
}

/** Lines to look up at a time at first; it doubles. */
const FIRST = 100;
const MOST = 1000;

/** Lines of any of these requests in the query's order, found by the pointers to them. */
export async function* linesByRequest(
  reads: Reads,
  lines: Lines,
  requests: readonly string[],
  order: Query['order'],
  signal: AbortSignal,
): AsyncGenerator<readonly Line[], void, void> {
  const query = `SELECT time, id, service FROM ${reads.name(BY_REQUEST)} WHERE request_id = ?
    AND (time, id) > (?, ?) AND (time, id) < (?, ?)${lines.direction} LIMIT ?`;
  const strands = requests.map(
    (request) =>
      new Strand<Pointer>(async (behind, most) => {
        const [from, to] = lines.bounds(behind);
        const rows = await reads.rows({ query, params: [request, ...from, ...to, most] }, signal);
        return rows.map((row) => ({ time: Number(row['time']), id: row['id'] as string, service: row['service'] as string }));
      }),
  );
  const pointers = new Strands(order, strands, (wanted) => reads.piece(wanted));
  for (let wanted = FIRST; !pointers.ended; wanted = Math.min(wanted * 2, MOST)) {
    await pointers.fill(wanted);
    // A pointer is written before its line, so that there may be none.
    const found = await linesAt(reads, lines, pointers.take());
    if (found.length > 0) yield found.sort((a, b) => compare(order, a, b));
  }
}

async function linesAt(reads: Reads, lines: Lines, pointers: readonly Pointer[]): Promise<Line[]> {
  const partitions = new Map<string, { readonly partition: Partition; readonly points: Point[] }>();
  for (const { service, time, id } of pointers) {
    const partition = partitionOf(service, time, id, reads.shards);
    const key = `${partition.hour}/${partition.shard}/${service}`;
    const known = partitions.get(key);
    if (known) known.points.push({ time, id });
    else partitions.set(key, { partition, points: [{ time, id }] });
  }
  const found = await Promise.all([...partitions.values()].map(({ partition, points }) => lines.at(partition, points)));
  return found.flat();
}
