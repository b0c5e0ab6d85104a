import type { FollowRequest, Lost, Position } from '../../core/contract/index.ts';
import type { Catalogue } from './catalogue.ts';
import type { Content } from './content.ts';
import { ALL, BEGINNING, crcBefore, GUARD, type Mark, parseMark } from './cursor.ts';
import type { Lane, LogFile } from './files.ts';
import { GoneError, openLane } from './handles.ts';
import { compareMark } from './settle.ts';
import { aliases } from './twins.ts';

const WINDOW = 64 * 1024;

export interface Begun {
  readonly mark: Mark | typeof ALL;
  readonly lost?: Lost;
}

/** Where reading of a lane begins. `undefined` when its file vanished just now. */
export async function beginLane(
  deps: { readonly catalogue: Catalogue },
  lane: Lane,
  after: FollowRequest['after'],
  signal: AbortSignal,
): Promise<Begun | undefined> {
  const file = lane.files[0] as LogFile;
  if (after === 'beginning') return { mark: BEGINNING };
  const cursor = after === 'end' ? ALL : cursorOf(after, lane);
  if (cursor === undefined) return { mark: BEGINNING };
  if (file.compressed) return { mark: parseMark(cursor) ?? (cursor === ALL ? ALL : BEGINNING) };
  try {
    const content = await openLane(deps.catalogue, lane, signal);
    try {
      return cursor === ALL ? { mark: await endOf(content) } : await resume(content, lane, cursor, cursorOwn(after, lane));
    } finally {
      await content.close();
    }
  } catch (error) {
    if (error instanceof GoneError) return undefined;
    throw error;
  }
}

async function resume(content: Content, lane: Lane, cursor: string, own: boolean): Promise<Begun> {
  const mark = parseMark(cursor);
  if (!mark) return { mark: BEGINNING, lost: { lane: lane.name, reason: `the cursor ${cursor.slice(0, 40)} is none of this source` } };
  const verdict = await compareMark(content, mark);
  // The copy that copytruncate made may lack lines that were read before it was cut off: it is finished.
  if (verdict === 'holds' || (verdict === 'shorter' && lane.files[0]?.rotated)) return { mark };
  if (!own) return { mark: BEGINNING };
  const reason = `the file ${verdict === 'shorter' ? 'is shorter than what was read of it' : 'was rewritten'}; it is read again from its start`;
  return { mark: BEGINNING, lost: { lane: lane.name, reason } };
}

/** Behind the last whole line. */
async function endOf(content: Content): Promise<Mark> {
  const { size } = await content.facts();
  for (let stop = size; stop > 0; ) {
    const from = Math.max(0, stop - WINDOW);
    const bytes = await content.read(from, stop - from);
    const newline = bytes.lastIndexOf(10);
    if (newline >= 0) {
      const offset = from + newline + 1;
      const lead = Math.min(GUARD, offset);
      const before = await content.read(offset - lead, lead);
      return { offset, crc: crcBefore(before, before.length) };
    }
    stop = from;
  }
  return BEGINNING;
}

/** The cursor of a lane, also when the position knows it by a name from before or after it had a twin. */
export function cursorOf(position: Position, lane: Lane): string | undefined {
  const name = [lane.name, ...aliases(lane)].find((name) => Object.hasOwn(position, name));
  return name === undefined ? undefined : position[name];
}

function cursorOwn(after: FollowRequest['after'], lane: Lane): boolean {
  return typeof after === 'object' && Object.hasOwn(after, lane.name);
}

/**
 * What a position wants of lanes that are no longer there. Old generations leave by rotation, read or not, and it cannot be
 * known; but when the newest lane of the position is gone, it was being written when it was last read.
 */
export function vanished(after: Position, until: Position | undefined, lanes: readonly Lane[]): Lost[] {
  const present = new Set(lanes.flatMap((lane) => [lane.name, lane.generation, ...aliases(lane)]));
  const lost: Lost[] = [];
  const newest = Object.keys(after).reduce<string | undefined>(
    (best, lane) => (best === undefined || timeOf(lane) > timeOf(best) ? lane : best),
    undefined,
  );
  for (const lane of new Set([...(newest === undefined ? [] : [newest]), ...Object.keys(until ?? {})])) {
    const cursor = until?.[lane] ?? after[lane];
    if (present.has(lane) || cursor === undefined || cursor === ALL || reaches(after[lane], until?.[lane])) continue;
    lost.push({ lane, reason: 'the file is gone; what it held behind the cursor cannot be read' });
  }
  return lost;
}

function reaches(cursor: string | undefined, target: string | undefined): boolean {
  if (cursor === undefined || target === undefined) return false;
  return cursor === ALL || (parseMark(cursor)?.offset ?? 0) >= (parseMark(target)?.offset ?? 0);
}

/** The time at the front of a lane's name. */
function timeOf(lane: string): number {
  return Number.parseInt(lane, 36);
}
