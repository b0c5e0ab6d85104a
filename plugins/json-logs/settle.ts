import type { Batch } from '../../core/contract/index.ts';
import type { Catalogue } from './catalogue.ts';
import type { Content } from './content.ts';
import { BEGINNING, crcBefore, GUARD, type Mark } from './cursor.ts';
import type { Lane, LogFile } from './files.ts';
import type { LaneFollower } from './lane-follower.ts';

/** After as many looks in a row that contradict the catalogue, a file counts as rewritten. */
const MOST_DOUBTS = 3;

export interface Scene {
  readonly catalogue: Catalogue;
  /** Every file of the snapshot. */
  readonly byKey: ReadonlyMap<string, LogFile>;
  /** Milliseconds. */
  readonly now: number;
  /** How long another copy of a truncated file is looked for, in milliseconds. */
  readonly grace: number;
  /** Whether one more file may be opened; closes one that is idle if need be. */
  makeRoom(): Promise<boolean>;
}

/** Decides which file a follower reads, after the catalogue has looked. A batch tells what is lost. */
export async function settleLane(follower: LaneFollower, lane: Lane | undefined, scene: Scene): Promise<Batch | undefined> {
  if (follower.all) return undefined;
  follower.doubtful = false;
  const { file } = follower;
  const current = file && lane?.files.find(({ key, epoch }) => key === file.key && epoch === file.epoch);
  if (current) return settleCurrent(follower, current, lane as Lane, scene);
  if (follower.content && file && !scene.byKey.has(file.key)) {
    follower.gone = true;
    if (idleFor(follower, scene) >= scene.grace) await follower.close();
    return undefined;
  }
  if (!follower.content && !lane && unread(follower, scene) <= 0) return undefined;
  return search(follower, lane, scene);
}

async function settleCurrent(follower: LaneFollower, current: LogFile, lane: Lane, scene: Scene): Promise<Batch | undefined> {
  if (current.compressed && current.size !== follower.file?.size) {
    await follower.close();
    follower.drained = false;
  }
  follower.file = current;
  follower.gone = false;
  follower.searchingSince = undefined;
  if (!current.compressed) follower.seen = Math.max(follower.seen, current.size);
  if (follower.doubts >= MOST_DOUBTS) return rewritten(follower, current, scene);
  const longer = (file: LogFile) => !file.compressed && file.size > follower.mark.offset;
  if (longer(current) || (current.compressed && !follower.drained)) {
    if (!follower.content) await adopt(follower, current, scene);
  } else {
    const other = lane.files.find(longer);
    if (other) await adopt(follower, other, scene);
  }
  const idle = idleFor(follower, scene) >= scene.grace;
  if (idle && current.rotated) await follower.close();
  // What the copy of a truncated file does not hold is known by its size alone.
  const bytes = follower.seen - follower.end;
  if (!idle || !follower.inCopy || bytes <= 0) return undefined;
  follower.seen = follower.end;
  return follower.lostBatch('the file was truncated before these bytes were read, and its copy does not hold them', bytes);
}

/** The file was truncated or rewritten, or is gone: reading goes on in another one that holds the same generation. */
async function search(follower: LaneFollower, lane: Lane | undefined, scene: Scene): Promise<Batch | undefined> {
  const before = follower.file;
  await follower.close();
  follower.searchingSince ??= scene.now;
  const verdicts: Verdict[] = [];
  for (const file of lane?.files ?? []) {
    const verdict = await adopt(follower, file, scene);
    if (verdict === 'adopted') {
      follower.inCopy = before !== undefined;
      follower.searchingSince = undefined;
      return undefined;
    }
    verdicts.push(verdict);
  }
  const best = lane?.files[0];
  const patient = scene.now - follower.searchingSince < scene.grace;
  if (best && isRewritten(best, verdicts) && (best.key === before?.key || !patient)) return rewritten(follower, best, scene);
  if (patient || verdicts.includes('later')) return undefined;
  follower.searchingSince = undefined;
  const bytes = unread(follower, scene);
  follower.file = undefined;
  follower.seen = follower.end = follower.mark.offset;
  return bytes > 0 ? follower.lostBatch('the file was truncated or removed before these bytes were read', bytes) : undefined;
}

/** Bytes that were observed and not read. What had no newline when a file was removed will never be a line; in a truncated file it might have become one. */
function unread(follower: LaneFollower, scene: Scene): number {
  const { file, seen, mark, end } = follower;
  const truncated = file !== undefined && !file.rotated && scene.byKey.has(file.key);
  return seen - (truncated ? mark.offset : end);
}

/** A rotated file that is shorter than what was read is a finished copy; otherwise what was read has been there once. */
function isRewritten(best: LogFile, verdicts: readonly Verdict[]): boolean {
  return !verdicts.includes('later') && (verdicts[0] === 'differs' || (verdicts[0] === 'shorter' && !best.rotated));
}

/** Another content behind the same first line: it is read from its start. */
async function rewritten(follower: LaneFollower, file: LogFile, scene: Scene): Promise<Batch> {
  await follower.close();
  const bytes = Math.max(0, follower.seen - follower.mark.offset);
  follower.mark = BEGINNING;
  follower.seen = follower.end = 0;
  follower.doubts = 0;
  follower.inCopy = false;
  await adopt(follower, file, scene);
  return follower.lostBatch('the file was rewritten; it is read again from its start', bytes);
}

function idleFor(follower: LaneFollower, scene: Scene): number {
  return follower.idleSince === undefined ? -1 : scene.now - follower.idleSince;
}

/** `later`: it could not be looked at now. */
type Verdict = 'adopted' | 'shorter' | 'differs' | 'later';

/** Reads a file from now on, if it holds what was read so far. */
async function adopt(follower: LaneFollower, file: LogFile, scene: Scene): Promise<Verdict> {
  const { mark } = follower;
  if (!file.compressed && file.size < mark.offset) return 'shorter';
  follower.waiting = !(await scene.makeRoom());
  const content = follower.waiting ? undefined : await scene.catalogue.open(file);
  if (!content) return 'later';
  const finished = await endsAt(content, mark.offset, file.size);
  const verdict = finished ? 'holds' : await compareMark(content, mark);
  if (verdict !== 'holds') {
    await content.close();
    return verdict;
  }
  await follower.close();
  follower.file = file;
  follower.drained = finished;
  follower.doubts = 0;
  follower.idleSince = finished ? scene.now : undefined;
  if (finished) await content.close();
  else follower.content = content;
  if (finished && follower.target === 'all') follower.reached = true;
  return 'adopted';
}

/** Whether a gzip file says in its last four bytes (RFC 1952, ISIZE) that it ends there: it need not be inflated to learn it. */
async function endsAt(content: Content, offset: number, size: number): Promise<boolean> {
  if (!content.compressed || offset === 0 || offset >= 2 ** 32 || size < 18) return false;
  const trailer = await content.readRaw(size - 4, 4);
  return trailer.length === 4 && trailer.readUInt32LE(0) === offset;
}

/** Whether the bytes before a mark are there and are the same. */
export async function compareMark(content: Content, mark: Mark): Promise<'holds' | 'shorter' | 'differs'> {
  const lead = Math.min(GUARD, mark.offset);
  const bytes = await content.read(mark.offset - lead, lead);
  if (bytes.length < lead) return 'shorter';
  return crcBefore(bytes, lead) === mark.crc ? 'holds' : 'differs';
}
