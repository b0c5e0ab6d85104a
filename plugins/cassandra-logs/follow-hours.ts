import type { Batch, Cursor, Point } from '../../core/contract/index.ts';
import { HOUR } from '../cassandra/keys.ts';
import { draftOf } from '../cassandra/row.ts';
import { daysOf, hoursOf } from './changes-hours.ts';
import { type Line, oldestFirst, shardsOf } from './changes-lines.ts';
import type { BatchReading } from './follow-batches.ts';
import { formatPlace, type Mark, type Walk } from './follow-cursor.ts';
import type { Given } from './follow-given.ts';

/** Where a walk ends early: behind a line, or with what was written up to a time, in milliseconds since 1970. */
export interface WalkEnd {
  readonly last?: Point | undefined;
  readonly written?: number | undefined;
}

/** A year that no line's time reaches. */
const ALWAYS = { from: Number.MIN_SAFE_INTEGER, to: Number.MAX_SAFE_INTEGER };
/** A batch may take that long, in milliseconds, from its last touch of an hour until its row is in the log of batches. */
const LONGEST_BATCH = 3_600_000;

/**
 * Yields the lines of all hours, oldest first, but for hours that were not written to since. What is written while it walks may
 * be missing: it stands in the log of batches from the walk's beginning on, where to go on.
 */
export async function* walkHours(
  reading: BatchReading,
  { began, since, last }: Walk,
  given: Given,
  end: WalkEnd,
  signal: AbortSignal,
): AsyncGenerator<Batch, void, void> {
  const { store, host, overlap } = reading;
  const recent = (began - overlap) * 1000;
  const wanted = ({ written }: Line) => end.written === undefined || Math.floor(written / 1000) <= end.written;
  const range = { from: last ? last.time : ALWAYS.from, to: end.last ? end.last.time + 1 : ALWAYS.to };
  for (const day of await daysOf(store, range.from, range.to, signal)) {
    for (const services of await hoursOf(store, day, range, signal)) {
      const touched = services.filter(({ newest }) => newest >= since - overlap - LONGEST_BATCH);
      const partitions = touched.flatMap(({ service, hour }) => shardsOf(store, service, hour));
      const [first] = touched;
      if (!first) continue;
      const stretch = { from: first.hour, to: Math.min(first.hour + HOUR, range.to), after: last };
      for await (const lines of oldestFirst(store, partitions, stretch, signal)) {
        const some = lines.filter((line) => wanted(line) && !isBehind(line, end.last));
        // The log of batches names these lines as well.
        for (const line of some) if (line.written >= recent) given.add(line);
        if (some.length > 0) yield batchOf(some, { began, since }, host);
      }
    }
  }
}

function batchOf(lines: readonly Line[], walk: Walk, host: string): Batch {
  const cursorAt = (index: number): Cursor => {
    const { time, id } = lines[index] as Line;
    return formatPlace({ ...walk, last: { time, id } });
  };
  return { lane: '', entries: lines.map((line) => draftOf(line, host)), cursor: cursorAt(lines.length - 1), cursorAt };
}

function isBehind(line: Line, point: Point | undefined): boolean {
  return point !== undefined && (line.time > point.time || (line.time === point.time && line.id > point.id));
}

/** Where the log of batches is read from behind a walk. */
export function behind({ began }: Walk, overlap: number): Mark {
  return { settled: Math.max(0, began - overlap), upTo: began };
}
