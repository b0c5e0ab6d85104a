import type { Micros } from '../../core/contract/index.ts';
import type { RawGuard } from './content.ts';
import type { Head } from './head.ts';
import type { Skipped } from './skipped.ts';

/** A file as it was last seen. */
export interface LogFile {
  /** `device:inode`. */
  readonly key: string;
  /** Counts up when the file turns out to hold something else than before. */
  readonly epoch: number;
  readonly path: string;
  /** The file's name, without `.gz`. */
  readonly base: string;
  /** The file's name, without all that rotation put behind it. */
  readonly stem: string;
  readonly rotated: boolean;
  readonly compressed: boolean;
  /** Bytes on the disk. */
  readonly size: number;
  readonly guard: RawGuard;
  /** Absent while no line has a time. */
  readonly head?: Head;
  /** Lines before the first timed one. */
  readonly skipped: Skipped;
}

/** A generation: what was written between two rotations, in one or several files. */
export interface Lane {
  readonly name: string;
  readonly generation: string;
  /** Time of the first timed line. */
  readonly time: Micros;
  /** The best one to read first; all of them begin alike. */
  readonly files: readonly LogFile[];
}

/** What was on the disk at one time. */
export interface Snapshot {
  /** Oldest first. */
  readonly lanes: readonly Lane[];
  /** Files without a line that has a time yet. */
  readonly pending: readonly LogFile[];
  readonly problems: readonly { readonly path: string; readonly reason: string }[];
}

/** Plain before compressed, then the longest, then the one that is still written. */
export function preferred(a: LogFile, b: LogFile): number {
  return (
    Number(a.compressed) - Number(b.compressed) || b.size - a.size || Number(a.rotated) - Number(b.rotated) || (a.path < b.path ? -1 : 1)
  );
}
