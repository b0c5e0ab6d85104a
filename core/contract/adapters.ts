import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Draft, JsonObject, Micros } from './entry.ts';
import type { Batch, Cursor, FollowFacet, Following, FollowRequest } from './follow.ts';
import { now } from './time.ts';

/**
 * A draft of a plain object. `time` defaults to now; `id` to a hash of both, so that reading the same observation again
 * gives the same id.
 */
export function draft(body: JsonObject, given: { time?: Micros; id?: string } = {}): Draft {
  const time = given.time ?? now();
  const json = JSON.stringify(body);
  const id = given.id ?? `${time.toString(36)}.${createHash('sha256').update(json).digest('base64url').slice(0, 22)}`;
  return { id, time, json, body };
}

/** An entry, and the cursor behind it. */
export interface Step {
  readonly entry: Draft;
  readonly cursor: Cursor;
}

/** A batch of one or more steps of a lane. */
export function batchOf(lane: string, steps: readonly Step[]): Batch {
  const cursorAt = (index: number): Cursor => {
    const step = steps[index];
    if (!step) throw new RangeError(`no entry ${index} in a batch of ${steps.length}`);
    return step.cursor;
  };
  return { lane, entries: steps.map((step) => step.entry), cursor: cursorAt(steps.length - 1), cursorAt };
}

/** A reader of one ordered lane; the cursor of the empty lane is `''`. */
export interface LaneReader {
  readonly replay: 'exact' | 'overlap';
  /** The cursor behind the newest entry, `''` when there is none. */
  end(signal: AbortSignal): Promise<Cursor>;
  /** Yields what stands behind `after` (`''`: from the beginning), then waits for more, until the signal aborts. */
  read(after: Cursor, signal: AbortSignal): AsyncIterable<readonly Step[]>;
}

/** Follow for a source with one lane: what it means to begin at the beginning, at the end, and to stop, is done here. */
export function oneLane(reader: LaneReader): FollowFacet {
  return {
    replay: reader.replay,
    async open(request: FollowRequest, signal: AbortSignal): Promise<Following> {
      const after = request.after === 'end' ? await reader.end(signal) : request.after === 'beginning' ? '' : (request.after[''] ?? '');
      return { start: { '': after }, lost: [], batches: upTo(reader, after, request.until, signal) };
    },
  };
}

async function* upTo(reader: LaneReader, after: Cursor, until: FollowRequest['until'], signal: AbortSignal): AsyncIterable<Batch> {
  const last = until?.[''];
  if (until && (last === undefined || last === after || last === '')) return;
  for await (const steps of reader.read(after, signal)) {
    const stop = last === undefined ? -1 : steps.findIndex((step) => step.cursor === last);
    const wanted = stop < 0 ? steps : steps.slice(0, stop + 1);
    if (wanted.length > 0) yield batchOf('', wanted);
    if (stop >= 0) return;
  }
}

/** Follow by asking again: `poll` answers what stands behind the cursor, oldest first, and nothing when there is nothing new. */
export function polled(options: {
  /** Milliseconds between two polls that find nothing. */
  readonly every: number;
  readonly replay?: 'exact' | 'overlap';
  end(signal: AbortSignal): Promise<Cursor>;
  poll(after: Cursor, signal: AbortSignal): Promise<readonly Step[]>;
}): FollowFacet {
  return oneLane({
    replay: options.replay ?? 'exact',
    end: options.end,
    async *read(after, signal) {
      let cursor = after;
      while (!signal.aborted) {
        const steps = await options.poll(cursor, signal);
        yield steps;
        cursor = steps.at(-1)?.cursor ?? cursor;
        if (steps.length === 0) await sleep(options.every, undefined, { signal }).catch(() => undefined);
      }
    },
  });
}

/** For `receive`: takes plain objects instead of drafts. */
export function received(
  run: (emit: (body: JsonObject, given?: { time?: Micros; id?: string }) => Promise<void>, signal: AbortSignal) => Promise<void>,
): (accept: (drafts: readonly Draft[]) => Promise<void>, signal: AbortSignal) => Promise<void> {
  return (accept, signal) => run((body, given) => accept([draft(body, given)]), signal);
}
