import { unlink } from 'node:fs/promises';
import path from 'node:path';
import {
  type Change,
  cutOff,
  describe,
  durationText,
  formatTime,
  type Log,
  PartialRetention,
  RetryableError,
  type Source,
  sizeText,
} from '../../core/contract/index.ts';
import { bytesOf, type Extent, extentsOf, filesOf } from './extent.ts';
import type { Lane, LogFile, Snapshot } from './files.ts';
import type { Options } from './options.ts';
import type { Shelf } from './query.ts';

/** A generation that is to go, and why. */
interface Doomed {
  readonly extent: Extent;
  readonly why: string;
}

interface Planned {
  readonly file: LogFile;
  readonly change: Change;
}

/** Deletes rotated generations by age, then by the size of all; a file that may still be written is never among them. */
export function fileRetention(shelf: Shelf, keep: Options['keep'], log: Log): NonNullable<Source['retention']> {
  return {
    describe: () => policyOf(keep),
    async apply({ dryRun }, signal): Promise<readonly Change[]> {
      if (!keep) return [];
      const snapshot = await shelf.catalogue.refresh(signal);
      const doomed = choose(await extentsOf(shelf, snapshot, signal), snapshot, keep);
      const planned = doomed.flatMap(({ extent, why }) => extent.lane.files.map((file) => ({ file, change: changeOf(file, why) })));
      if (dryRun) return planned.map(({ change }) => change);
      const done: Change[] = [];
      try {
        await deleteAll(planned, done, signal);
      } catch (error) {
        throw done.length > 0 ? new PartialRetention(done, error) : error;
      }
      return done;
    },
  };

  /** Adds to `done` what was deleted, also when it fails. */
  async function deleteAll(planned: readonly Planned[], done: Change[], signal: AbortSignal): Promise<void> {
    const faults: string[] = [];
    for (const { file, change } of planned) {
      signal.throwIfAborted();
      try {
        if (await deleteFile(shelf, file)) done.push(change);
        else log.info('a file changed while it was to be deleted; it is left for the next run', { file: file.path });
      } catch (error) {
        faults.push(`${file.path}: ${describe(error)}`);
      }
    }
    if (faults.length > 0) throw undeleted(done, faults);
  }
}

function policyOf(keep: Options['keep']): string {
  if (!keep) return 'by rotation: this agent deletes no file';
  const age = keep.age === undefined ? [] : [`rotated files are deleted when their newest line is older than ${durationText(keep.age)}`];
  const size = keep.size === undefined ? [] : [`the oldest rotated files are deleted until all are at most ${sizeText(keep.size)}`];
  return [...age, ...size].join('; ');
}

function choose(extents: readonly Extent[], snapshot: Snapshot, { age, size }: NonNullable<Options['keep']>): Doomed[] {
  const live = liveLanes(snapshot.lanes);
  const oldestFirst = extents.filter(({ lane }) => !live.has(lane)).sort((a, b) => a.newest - b.newest);
  const before = age === undefined ? Number.NEGATIVE_INFINITY : cutOff(age);
  let total = bytesOf(filesOf(snapshot));
  const doomed: Doomed[] = [];
  for (const extent of oldestFirst) {
    const old = extent.newest < before;
    if (!old && (size === undefined || total <= size)) continue;
    const line = `newest line ${formatTime(extent.newest)}`;
    doomed.push({ extent, why: old ? line : `${line}, all files are more than ${sizeText(size as number)}` });
    total -= extent.bytes;
  }
  return doomed;
}

/** Lanes with a file that is not rotated, and the newest of each name in each folder, whatever it is called. */
function liveLanes(lanes: readonly Lane[]): Set<Lane> {
  const newest = new Map<string, Lane>();
  for (const lane of lanes) {
    for (const file of lane.files) {
      const handler = path.join(path.dirname(file.path), file.stem);
      const known = newest.get(handler);
      if (!known || known.time <= lane.time) newest.set(handler, lane);
    }
  }
  return new Set([...newest.values(), ...lanes.filter(({ files }) => files.some(({ rotated }) => !rotated))]);
}

function changeOf(file: LogFile, why: string): Change {
  return { what: `delete ${file.path} (${why})`, count: 1, bytes: file.size };
}

/** Deletes the file if it still is what was looked at. */
async function deleteFile(shelf: Shelf, file: LogFile): Promise<boolean> {
  const content = await shelf.catalogue.open(file);
  if (!content) return false;
  try {
    if ((await content.facts()).size !== file.size) return false;
    await unlink(file.path);
    return true;
  } finally {
    await content.close();
  }
}

function undeleted(done: readonly Change[], faults: readonly string[]): Error {
  const rest = faults.length > 3 ? `; and ${faults.length - 3} more` : '';
  const text = `${faults.length} of ${done.length + faults.length} files could not be deleted: ${faults.slice(0, 3).join('; ')}${rest}`;
  return new RetryableError(`${text}; give the agent's user the right to write to their folder, or leave keep out`, {
    code: 'ERR_UNDELETED',
  });
}
