import type { Micros } from '../../core/contract/index.ts';
import { BLOCK, type Block, type IndexSettings } from './blocks.ts';
import type { Content } from './content.ts';
import { crcBefore } from './cursor.ts';
import { LineDraft, parseLine } from './line.ts';
import { QuickTime } from './quick-time.ts';
import type { Skipped } from './skipped.ts';
import { readStretch, type Stretch, spanAt } from './stretch.ts';

/** Inclusive bounds. */
export interface Range {
  readonly min: Micros;
  readonly max: Micros;
}

export interface Remarks {
  readonly malformed: Skipped;
  readonly mended: Skipped;
}

/** Where the lines come from, for their ids and for the remarks. */
export interface Origin {
  readonly lane: string;
  readonly path: string;
  readonly keepBody: boolean;
}

/** Reads the lines of a block whose time is within a range. */
export class BlockReader {
  readonly #settings: IndexSettings;
  readonly #quick: QuickTime;

  constructor(settings: IndexSettings) {
    this.#settings = settings;
    this.#quick = new QuickTime(settings.fields);
  }

  /** `undefined` when the content does not hold the block any more. Without `remarks` nothing is counted. */
  async read(
    content: Content,
    block: Block,
    range: Range,
    origin: Origin,
    signal: AbortSignal,
    remarks?: Remarks,
  ): Promise<LineDraft[] | undefined> {
    const drafts: LineDraft[] = [];
    let check: number | undefined;
    for (let offset = block.start; offset < block.end; ) {
      signal.throwIfAborted();
      const limits = { maxLine: this.#settings.maxLine, size: BLOCK, until: block.end };
      const stretch = await readStretch(content, offset, limits);
      if (stretch.kind === 'end') return undefined;
      if (stretch.kind === 'overlong') this.#tooLong(stretch.start, origin, remarks);
      else this.#lines(stretch, range, origin, drafts, remarks);
      check = crcBefore(stretch.bytes, stretch.to);
      offset = stretch.end;
    }
    return check === block.check ? drafts : undefined;
  }

  /** The times of a stretch's lines. */
  timesOf(stretch: Stretch): Micros[] {
    const drafts: LineDraft[] = [];
    const always = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };
    this.#lines(stretch, always, { lane: '', path: '', keepBody: false }, drafts, undefined);
    return drafts.map(({ time }) => time);
  }

  #lines(stretch: Stretch, range: Range, origin: Origin, drafts: LineDraft[], remarks: Remarks | undefined): void {
    const { bytes, from } = stretch;
    const { fields, maxLine } = this.#settings;
    this.#quick.load(bytes.toString('latin1', from, stretch.to));
    for (let index = from; index < stretch.to; ) {
      const span = spanAt(stretch, index);
      const quick = this.#quick.at(index - from, span.next - from);
      index = span.next;
      if (span.to === span.from || quick < range.min || quick > range.max) continue;
      if (span.size > maxLine) {
        this.#tooLong(span.at, origin, remarks);
        continue;
      }
      const line = parseLine(bytes, span.from, span.to, fields);
      if (typeof line === 'string') {
        // The end of a live file may be half written; that is no fault of it.
        if (stretch.kind !== 'tail') remarks?.malformed.add({ path: origin.path, offset: span.at, reason: line });
      } else if (line.time >= range.min && line.time <= range.max) {
        if (line.mended) remarks?.mended.add({ path: origin.path, offset: span.at, reason: 'shown as U+FFFD' });
        drafts.push(new LineDraft(origin.lane, span.at, line, origin.keepBody));
      }
    }
  }

  #tooLong(offset: number, origin: Origin, remarks: Remarks | undefined): void {
    remarks?.malformed.add({ path: origin.path, offset, reason: `longer than ${this.#settings.maxLine} bytes` });
  }
}
