import { crc32 } from 'node:zlib';
import type { Cursor } from '../../core/contract/index.ts';

/** Bytes before an offset that must be the same when reading resumes there. */
export const GUARD = 64;

/** A place in a generation: bytes from its start (decompressed), and the CRC-32 of the up to 64 bytes before. */
export interface Mark {
  readonly offset: number;
  readonly crc: number;
}

export const BEGINNING: Mark = { offset: 0, crc: 0 };

/** The cursor of a compressed, thus finished, generation of which nothing is wanted: its length is not known without inflating it. */
export const ALL: Cursor = '*';

const CURSOR = /^(\d{1,16})\.([0-9a-f]{8})$/;

export function formatMark(mark: Mark): Cursor {
  return `${mark.offset}.${hex(mark.crc)}`;
}

/** `undefined` for anything that is no cursor with an offset. */
export function parseMark(cursor: Cursor): Mark | undefined {
  const match = CURSOR.exec(cursor);
  return match ? { offset: Number(match[1]), crc: Number.parseInt(match[2] as string, 16) } : undefined;
}

/** The CRC-32 of the up to 64 bytes before `index`; the bytes must reach back that far, or to the start of the generation. */
export function crcBefore(bytes: Buffer, index: number): number {
  return crc32(bytes.subarray(Math.max(0, index - GUARD), index));
}

export function hex(crc: number): string {
  return crc.toString(16).padStart(8, '0');
}
