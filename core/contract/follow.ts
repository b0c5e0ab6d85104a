import type { Draft } from './entry.ts';

/** Opaque to everyone but its source; at most 2 KiB. It stands behind an entry: reading resumes with the next one. */
export type Cursor = string;

/** Lane → cursor. A lane is what has an order: a log file's generation, a table. A source with one lane uses `''`. */
export type Position = Readonly<Record<string, Cursor>>;

/** What can no longer be had, as far as it was observed. */
export interface Lost {
  readonly lane: string;
  readonly reason: string;
  readonly bytes?: number;
  readonly entries?: number;
}

/** Consecutive entries of one lane. */
export interface Batch {
  readonly lane: string;
  readonly entries: readonly Draft[];
  /** Behind the last entry, and behind anything skipped after it. */
  readonly cursor: Cursor;
  /** The cursor behind `entries[index]`. */
  cursorAt(index: number): Cursor;
  readonly lost?: Lost;
}

export interface FollowRequest {
  /** A lane absent from a position is new and read from its start. `end`: only what comes from now on. */
  readonly after: Position | 'beginning' | 'end';
  /** End when everything up to here was yielded; of a lane absent here, nothing is wanted. */
  readonly until?: Position;
}

export interface Following {
  /** Where reading began, every lane that exists now. */
  readonly start: Position;
  readonly lost: readonly Lost[];
  readonly batches: AsyncIterable<Batch>;
}

export interface FollowFacet {
  /** `overlap`: after a resume some ids may come again. */
  readonly replay: 'exact' | 'overlap';
  open(request: FollowRequest, signal: AbortSignal): Promise<Following>;
}
