import type { Query } from '../contract/index.ts';
import { comparePoints } from './point.ts';
import type { Row } from './row.ts';
import type { Stream } from './stream.ts';

/**
 * The first `rows` distinct rows of all streams in the query's order. Of equal entries the one of the earlier stream is
 * taken, the others are counted as duplicates. There are few streams, so the least head is found by looking at all.
 */
export async function merge(streams: readonly Stream[], order: Query['order'], rows: number): Promise<Row[]> {
  const merged: Row[] = [];
  while (merged.length < rows) {
    if (streams.some(isWaiting)) await Promise.all(streams.filter(isWaiting).map((stream) => stream.fill()));
    const first = earliest(streams, order);
    if (!first?.head) break;
    const last = merged.at(-1);
    if (last && comparePoints(order, last, first.head) === 0) first.inquiry.duplicates++;
    else merged.push(first.head);
    first.advance();
  }
  return merged;
}

function isWaiting(stream: Stream): boolean {
  return !stream.head && !stream.ended;
}

function earliest(streams: readonly Stream[], order: Query['order']): Stream | undefined {
  let best: Stream | undefined;
  for (const stream of streams) {
    if (stream.head && (!best?.head || comparePoints(order, stream.head, best.head) < 0)) best = stream;
  }
  return best;
}
