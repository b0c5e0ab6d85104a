import {
  type Batch,
  type Cursor,
  type Draft,
  describe,
  type Entry,
  type Following,
  type Frame,
  type Lost,
  type Position,
} from '../contract/index.ts';
import { BrokenRule, Row } from '../query/row.ts';

export type EntryFrame = Extract<Frame, { event: 'entry' }> & { readonly entry: Row };
type LostFrame = Extract<Frame, { event: 'lost' }>;

/** What a follower passes on: a frame, if there is something to tell, and where its lane stands behind it. */
export interface Step {
  readonly lane: string;
  /** `undefined`: where it was. `null`: the lane is gone. */
  readonly cursor: Cursor | null | undefined;
  readonly frame?: EntryFrame | LostFrame;
}

const LONGEST_CURSOR = 2048;

/** The steps of a batch: what was lost, then its entries. An entry that breaks a rule of the contract is told as lost. */
export function stepsOf(batch: Batch, type: string, source: string): Step[] {
  if (typeof batch?.lane !== 'string' || !Array.isArray(batch.entries))
    throw new BrokenRule('batches are {lane, entries, cursor, cursorAt}', batch);
  const { lane, entries } = batch;
  const steps: Step[] = [];
  if (batch.lost) steps.push({ lane, cursor: undefined, frame: { event: 'lost', source, lost: batch.lost } });
  const last = entries.length - 1;
  for (const [index, draft] of entries.entries()) {
    const cursor = checkedCursor(index === last ? batch.cursor : batch.cursorAt(index));
    steps.push({ lane, cursor, frame: frameOf(draft, type, source, lane, cursor) });
  }
  if (entries.length === 0) steps.push({ lane, cursor: checkedCursor(batch.cursor) });
  return steps;
}

function frameOf(draft: Draft, type: string, source: string, lane: string, cursor: Cursor): EntryFrame | LostFrame {
  try {
    return { event: 'entry', source, lane, cursor, entry: new Row(type, source, draft).check() };
  } catch (error) {
    return { event: 'lost', source, lost: { lane, reason: describe(error), entries: 1 } };
  }
}

function checkedCursor(cursor: unknown): Cursor {
  if (typeof cursor !== 'string' || cursor.length > LONGEST_CURSOR)
    throw new BrokenRule(`a cursor is a text of at most ${LONGEST_CURSOR} bytes`, cursor);
  return cursor;
}

/** What was lost before reading began. A lane that has no start any more is gone. */
export function stepsOfLost({ lost, start }: Following, source: string): Step[] {
  return lost.map((one: Lost) => ({
    lane: one.lane,
    cursor: Object.hasOwn(start, one.lane) ? start[one.lane] : null,
    frame: { event: 'lost', source, lost: one },
  }));
}

/** Checks what `open` resolved to. */
export function checkedFollowing(following: Following): Following {
  if (!isPosition(following?.start)) throw new BrokenRule('open() resolves to {start, lost, batches}', following);
  if (!Array.isArray(following.lost)) throw new BrokenRule('open() tells what was lost as a list', following.lost);
  if (typeof following.batches?.[Symbol.asyncIterator] !== 'function')
    throw new BrokenRule('batches is an AsyncIterable', following.batches);
  return following;
}

export function isPosition(value: unknown): value is Position {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((cursor) => typeof cursor === 'string' && cursor.length <= LONGEST_CURSOR);
}

export function isEntry(frame: Frame | undefined): frame is EntryFrame & { readonly entry: Entry } {
  return frame?.event === 'entry';
}
