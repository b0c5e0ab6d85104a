import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Batch,
  type FollowFacet,
  type Following,
  type FollowRequest,
  formatTime,
  type Log,
  type Lost,
} from '../../core/contract/index.ts';
import { BATCHES_KEPT } from '../cassandra/tables.ts';
import type { LogStore } from './changes-store.ts';
import { BatchReader, type BatchReading } from './follow-batches.ts';
import { formatPlace, isWalk, type Mark, type Place, parsePlace, type Walk } from './follow-cursor.ts';
import { Given } from './follow-given.ts';
import { behind, walkHours } from './follow-hours.ts';

export interface StoreFollow extends LogStore {
  /** Of this agent: lines of other ones are told with theirs as the origin. */
  readonly host: string;
  readonly log: Log;
  /** Milliseconds between two polls; see {@link BatchReading} for the overlap. */
  readonly options: { readonly every: number; readonly overlap: number };
  /** Milliseconds since 1970; the clock, unless a test has its own. */
  now?(): number;
}

/** Rows of the log of batches are sure to be there for that long, in milliseconds. */
const SURE = (BATCHES_KEPT - 3600) * 1000;

/**
 * Follows what all agents write, by the log of batches: lines of any age, each once, in the order in which their batches became
 * visible. After a resume those of the last `overlap` come again. What is older than the log of batches, and all of it from the
 * beginning, is read from the hours. A failure of the cluster ends the feed; the core opens it again behind the last entry.
 */
export function storeFollow(deps: StoreFollow): FollowFacet {
  const { options, host, now = Date.now } = deps;
  const reading: BatchReading = { store: deps, host, overlap: options.overlap, now };
  return {
    replay: 'overlap',
    async open({ after, until }: FollowRequest, signal: AbortSignal): Promise<Following> {
      const given = new Given();
      const start = await startOf(reading, after, given, signal);
      const from: Place = start instanceof BatchReader ? start.mark : start;
      const end = until?.[''];
      const batches = until
        ? upTo(reading, start, end === undefined ? undefined : parsePlace(end), given, signal)
        : onwards(reading, start, given, options.every, signal);
      return { start: { '': formatPlace(from) }, lost: after === 'end' ? [] : lost(deps, from, now()), batches };
    },
  };
}

async function startOf(
  reading: BatchReading,
  after: FollowRequest['after'],
  given: Given,
  signal: AbortSignal,
): Promise<BatchReader | Walk> {
  const now = reading.now();
  if (after === 'end') {
    const settled = now - reading.overlap;
    const reader = new BatchReader(reading, { settled, upTo: settled }, given);
    await reader.passOver(signal);
    return reader;
  }
  const cursor = after === 'beginning' ? undefined : after[''];
  if (cursor === undefined) return { began: now, since: 0 };
  const place = parsePlace(cursor);
  const oldest = isWalk(place) ? behind(place, reading.overlap).settled : place.settled;
  // The log of batches has no more what came next; the hours that were written to since then have it.
  if (oldest < now - SURE) return { began: now, since: isWalk(place) ? place.since : place.settled };
  return isWalk(place) ? place : new BatchReader(reading, place, given);
}

async function* onwards(
  reading: BatchReading,
  start: BatchReader | Walk,
  given: Given,
  every: number,
  signal: AbortSignal,
): AsyncGenerator<Batch, void, void> {
  let reader = start;
  if (!(reader instanceof BatchReader)) {
    yield* walkHours(reading, reader, given, {}, signal);
    reader = new BatchReader(reading, behind(reader, reading.overlap), given);
  }
  while (!signal.aborted) {
    yield* reader.read(Number.POSITIVE_INFINITY, signal);
    await sleep(every, undefined, { signal }).catch(() => undefined);
  }
}

/** What stands behind the start and not behind `end`; where the two were reading different things, it is somewhat more. */
async function* upTo(
  reading: BatchReading,
  start: BatchReader | Walk,
  end: Place | undefined,
  given: Given,
  signal: AbortSignal,
): AsyncGenerator<Batch, void, void> {
  if (!end || (isWalk(end) && !end.last)) return;
  if (start instanceof BatchReader) {
    yield* start.read(isWalk(end) ? Number.POSITIVE_INFINITY : end.upTo, signal);
    return;
  }
  yield* walkHours(reading, start, given, isWalk(end) ? { last: end.last } : { written: end.upTo }, signal);
  if (isWalk(end)) return;
  const mark: Mark = behind(start, reading.overlap);
  if (end.upTo > mark.settled) yield* new BatchReader(reading, mark, given).read(end.upTo, signal);
}

/** Lines may have expired that nobody can know of. */
function lost({ store, options }: StoreFollow, place: Place, now: number): readonly Lost[] {
  const { keep } = store();
  const since = isWalk(place) ? place.since : place.settled;
  if (!keep || since === 0 || since >= now - keep * 1000 - options.overlap) return [];
  return [
    { lane: '', reason: `lines that were written since ${formatTime(since * 1000)} may have expired unread: they are kept for ${keep} s` },
  ];
}
