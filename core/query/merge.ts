import type { Query } from '../contract/index.ts';
import { comparePoints } from './point.ts';
import type { Row } from './row.ts';
import type { Stream } from './stream.ts';

/** Characters of JSON that one page holds at most, but for a first row that is longer by itself. */
const MOST_CHARACTERS = 64 * 1024 * 1024;

export interface Merged {
  readonly rows: readonly Row[];
  /** There are more rows behind these. */
  readonly more: boolean;
  /** There are fewer than were asked for, because they are large. */
  readonly cut: boolean;
}

/**
 * The first `limit` distinct rows of all streams in the query's order, or fewer when they are large. Of equal entries the one of
 * the earlier stream is taken, the others are counted as duplicates. There are few streams, so the least head is found by looking
 * at all.
 */
export async function merge(streams: readonly Stream[], order: Query['order'], limit: number): Promise<Merged> {
  const rows: Row[] = [];
  let characters = 0;
  for (;;) {
    if (streams.some(isWaiting)) await Promise.all(streams.filter(isWaiting).map((stream) => stream.fill()));
    const first = earliest(streams, order);
    if (!first?.head) return { rows, more: false, cut: false };
    const last = rows.at(-1);
    if (last && comparePoints(order, last, first.head) === 0) {
      first.inquiry.duplicates++;
    } else {
      characters += first.head.json.length;
      const cut = characters > MOST_CHARACTERS && rows.length > 0;
      if (cut || rows.length === limit) return { rows, more: true, cut };
      rows.push(first.head);
    }
    first.advance();
  }
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
