import type { Content } from './content.ts';
import { crcBefore, GUARD } from './cursor.ts';

const SKIP = 1024 * 1024;
const NEWLINE = 10;

/** A piece of a generation, cut where lines end. Its text is `bytes.subarray(from, to)`; up to 64 bytes stand before it. */
export interface Stretch {
  /**
   * `lines`: whole lines. `tail`: the last line, without its newline. `overlong`: one line longer than allowed, which was
   * skipped (`bytes` holds only its end). `end`: nothing is there.
   */
  readonly kind: 'lines' | 'tail' | 'overlong' | 'end';
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
  /** Offset of the text in the generation. NULs before it were skipped: the hole that truncating leaves to a writer that does not append. */
  readonly start: number;
  /** Offset behind the text. */
  readonly end: number;
  /** CRC-32 of the up to 64 bytes before the offset that was asked for; undefined when they are not there. */
  readonly before: number | undefined;
  /** No newline ends it yet. */
  readonly open: boolean;
}

export interface StretchLimits {
  readonly maxLine: number;
  /** Bytes to read at once, when lines are not longer. */
  readonly size: number;
  /** An offset that is taken for the end. */
  readonly until?: number;
}

/** Reads from `offset`, which must stand behind a line, at least one line and not much more than `size`. */
export async function readStretch(content: Content, offset: number, limits: StretchLimits): Promise<Stretch> {
  const { maxLine, until = Number.POSITIVE_INFINITY } = limits;
  let lead = Math.min(GUARD, offset);
  let start = offset;
  let size = Math.min(limits.size, until - start);
  let bytes = await content.read(start - lead, lead + size);
  const before = bytes.length < lead ? undefined : crcBefore(bytes, lead);
  for (;;) {
    const here = { bytes, from: lead, start, before };
    const last = bytes.lastIndexOf(NEWLINE);
    if (last >= lead) return { ...here, kind: 'lines', to: last + 1, end: start + last + 1 - lead, open: false };
    const atEnd = bytes.length < lead + size || start + size >= until;
    const nuls = leadingNuls(bytes, lead);
    const length = Math.max(0, bytes.length - lead);
    if (atEnd && nuls >= length) return { ...here, kind: 'end', from: bytes.length, to: bytes.length, end: offset, open: true };
    if (nuls > 0) {
      start += nuls;
      lead = Math.min(GUARD, start);
    } else if (length > maxLine) {
      return skipOverlong(content, start, start + length, until, before);
    } else if (atEnd) {
      return { ...here, kind: 'tail', to: bytes.length, end: start + length, open: true };
    } else {
      size = Math.max(size, Math.min(size * 4, maxLine + 1));
    }
    size = Math.min(size, until - start);
    bytes = await content.read(start - lead, lead + size);
  }
}

function leadingNuls(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && bytes[at] === 0) at++;
  return Math.max(0, at - from);
}

async function skipOverlong(content: Content, start: number, from: number, until: number, before: number | undefined): Promise<Stretch> {
  for (let at = from; ; ) {
    const lead = Math.min(GUARD, at);
    const bytes = await content.read(at - lead, lead + Math.min(SKIP, until - at));
    const index = bytes.indexOf(NEWLINE, lead);
    const stop = index < 0 ? bytes.length : index + 1;
    const end = at - lead + stop;
    const open = index < 0;
    if (!open || stop <= lead || end >= until) return { kind: 'overlong', bytes, from: stop, to: stop, start, end, before, open };
    at = end;
  }
}

/** A line without what does not belong to it. `from` and `to` are indexes into the stretch's bytes. */
export interface Span {
  readonly from: number;
  readonly to: number;
  /** Offset of `from` in the generation. */
  readonly at: number;
  /** Index behind the newline. */
  readonly next: number;
  /** What counts against the longest line allowed. */
  readonly size: number;
}

/** The line that begins at `index`: without NULs and a byte order mark before it, and carriage return and blanks behind it. */
export function spanAt(stretch: Stretch, index: number): Span {
  const { bytes } = stretch;
  const newline = bytes.indexOf(NEWLINE, index);
  const stop = newline < 0 || newline >= stretch.to ? stretch.to : newline;
  const next = Math.min(stretch.to, stop + 1);
  let from = index;
  while (from < stop && bytes[from] === 0) from++;
  const size = stop - from;
  const offset = stretch.start - stretch.from;
  if (offset + from === 0 && bytes[from] === 0xef && bytes[from + 1] === 0xbb && bytes[from + 2] === 0xbf) from += 3;
  let to = stop;
  while (to > from && isBlank(bytes[to - 1] as number)) to--;
  return { from, to, at: offset + from, next, size };
}

function isBlank(byte: number): boolean {
  return byte === 0x0d || byte === 0x20 || byte === 0x09;
}
