import type { Batch, Lost, Micros } from '../../core/contract/index.ts';
import { BLOCK, type IndexSettings } from './blocks.ts';
import type { Content } from './content.ts';
import { ALL, crcBefore, formatMark, type Mark } from './cursor.ts';
import type { LogFile } from './files.ts';
import { LineDraft, parseLine } from './line.ts';
import { Skipped } from './skipped.ts';
import { readStretch, type Stretch, spanAt } from './stretch.ts';

/** Lines of a batch at most. */
const MOST_LINES = 1000;
/** A last line without newline that is a complete object is handed out when it has not grown for this long. */
const STILL_MS = 1000;

/**
 * `more`: there may be more at once. `idle`: nothing for now. `doubt`: the file does not hold any more what was read from it, and
 * the catalogue has to be asked.
 */
export type Step = Batch | 'more' | 'idle' | 'doubt';

/** Reads one lane forwards. Which file it reads is decided by {@link settleLane}. */
export class LaneFollower {
  readonly lane: string;
  /** Time of the lane's first line: the order of lanes. */
  readonly time: Micros;
  readonly skipped = new Skipped();
  mark: Mark;
  /** The lane was finished before, and its length is not known. */
  readonly all: boolean;
  /** Where to stop; `all` is the end of the file. */
  target: Mark | 'all' | undefined;
  reached = false;

  /** The file that is read, as the catalogue last saw it, and its open content. */
  file: LogFile | undefined;
  content: Content | undefined;
  /** Size of the lane that was observed, read or not. */
  seen = 0;
  /** The end of the content that was met by the last read, a half-written line included. */
  end = 0;
  /** Nothing more is expected in a compressed file once its end was met. */
  drained = false;
  /** Its file is not where it was: read on, for as long as it is open. */
  gone = false;
  /** Milliseconds: since when there is nothing, since when another file is looked for; undefined: it is not so. */
  idleSince: number | undefined;
  searchingSince: number | undefined;
  /** The original was truncated, and a copy of it is read instead. */
  inCopy = false;
  doubts = 0;
  /** The catalogue has to look before it is read again. */
  doubtful = false;
  /** It has to wait until another lane's file is closed. */
  waiting = false;
  readonly #settings: IndexSettings;
  #tail = { end: -1, since: 0 };

  constructor(lane: string, time: Micros, mark: Mark | typeof ALL, settings: IndexSettings) {
    this.lane = lane;
    this.time = time;
    this.all = mark === ALL;
    this.mark = mark === ALL ? { offset: 0, crc: 0 } : (mark as Mark);
    this.seen = this.mark.offset;
    this.end = this.mark.offset;
    this.#settings = settings;
  }

  get cursor(): string {
    return this.all ? ALL : formatMark(this.mark);
  }

  /** When a last line without newline is due, in milliseconds; undefined when there is none. */
  get dueAt(): number | undefined {
    return this.#tail.end === this.end && this.#tail.end > this.mark.offset ? this.#tail.since + STILL_MS : undefined;
  }

  async step(now: number): Promise<Step> {
    const step = await this.#step(now);
    if (step === 'doubt') {
      this.doubts++;
      this.doubtful = true;
    }
    return step;
  }

  async #step(now: number): Promise<Step> {
    const { content, file, mark } = this;
    if (!content || !file || this.reached || this.doubtful) return 'idle';
    let size = 0;
    if (!content.compressed) {
      ({ size } = await content.facts());
      if (size < mark.offset) return 'doubt';
      if (size === mark.offset) return this.#idle(now, size);
    }
    const stretch = await readStretch(content, mark.offset, { maxLine: this.#settings.maxLine, size: BLOCK });
    if (stretch.before !== mark.crc) return 'doubt';
    // Before the start there is nothing to compare; the head that is there after the read was there before it.
    if (mark.offset === 0 && !(await content.intact())) return 'doubt';
    this.doubts = 0;
    const step = stretch.open ? this.#open(stretch, file, now) : this.#whole(stretch, file);
    if (step !== 'idle') this.idleSince = undefined;
    this.seen = Math.max(this.seen, size, this.mark.offset);
    return step;
  }

  /** A batch without entries, that tells what was lost. */
  lostBatch(reason: string, bytes: number): Batch {
    const lost: Lost = { lane: this.lane, reason, ...(bytes > 0 && { bytes }) };
    const cursorAt = (index: number) => {
      throw new RangeError(`no entry ${index} in an empty batch`);
    };
    return { lane: this.lane, entries: [], cursor: this.cursor, cursorAt, lost };
  }

  async close(): Promise<void> {
    const { content } = this;
    this.content = undefined;
    await content?.close();
  }

  #idle(now: number, end: number): 'idle' {
    this.end = end;
    this.idleSince ??= now;
    this.drained = true;
    if (this.target === 'all') this.reached = true;
    return 'idle';
  }

  #whole(stretch: Stretch, file: LogFile): Step {
    if (stretch.kind === 'lines') return this.#take(stretch, file);
    this.skipped.add({ path: file.path, offset: stretch.start, reason: `longer than ${this.#settings.maxLine} bytes` });
    this.#advance({ offset: stretch.end, crc: crcBefore(stretch.bytes, stretch.to) });
    return 'more';
  }

  /** The last line, which has no newline yet. */
  #open(stretch: Stretch, file: LogFile, now: number): Step {
    if (stretch.kind !== 'tail') return this.#idle(now, stretch.end);
    if (this.#tail.end !== stretch.end) {
      this.#tail = { end: stretch.end, since: now };
      this.idleSince = undefined;
    }
    const finished = file.rotated || this.gone || this.target !== undefined || now - this.#tail.since >= STILL_MS;
    const span = spanAt(stretch, stretch.from);
    // Once is enough to see that it is half a line.
    if (now - this.#tail.since >= STILL_MS) this.#tail.since = Number.POSITIVE_INFINITY;
    const complete = finished && typeof this.#parse(stretch, span.from, span.to, span.size) !== 'string';
    return complete ? this.#take(stretch, file) : this.#idle(now, stretch.end);
  }

  #take(stretch: Stretch, file: LogFile): Step {
    const { bytes, from, to, start } = stretch;
    const drafts: LineDraft[] = [];
    const ends: number[] = [];
    let index = from;
    while (index < to && drafts.length < MOST_LINES) {
      const span = spanAt(stretch, index);
      if (typeof this.target === 'object' && span.at >= this.target.offset) {
        this.reached = true;
        break;
      }
      index = span.next;
      if (span.from === span.to) continue;
      const line = this.#parse(stretch, span.from, span.to, span.size);
      if (typeof line === 'string') this.skipped.add({ path: file.path, offset: span.at, reason: line });
      else {
        drafts.push(new LineDraft(this.lane, span.at, line));
        ends.push(index);
      }
    }
    const markAt = (at: number): Mark => ({ offset: start + at - from, crc: crcBefore(bytes, at) });
    this.#advance(markAt(index));
    if (drafts.length === 0) return this.reached ? 'idle' : 'more';
    const cursorAt = (which: number) => {
      const end = ends[which];
      if (end === undefined) throw new RangeError(`no entry ${which} in a batch of ${ends.length}`);
      return formatMark(markAt(end));
    };
    return { lane: this.lane, entries: drafts, cursor: this.cursor, cursorAt };
  }

  #advance(mark: Mark): void {
    this.mark = mark;
    this.end = Math.max(this.end, mark.offset);
    if (typeof this.target === 'object' && mark.offset >= this.target.offset) this.reached = true;
  }

  #parse(stretch: Stretch, from: number, to: number, size: number) {
    if (size > this.#settings.maxLine) return `longer than ${this.#settings.maxLine} bytes`;
    return parseLine(stretch.bytes, from, to, this.#settings.fields);
  }
}
