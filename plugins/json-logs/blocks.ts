import { type Micros, RetryableError } from '../../core/contract/index.ts';
import type { Content } from './content.ts';
import { BEGINNING, crcBefore, type Mark } from './cursor.ts';
import type { Lane, LogFile } from './files.ts';
import { parseLine } from './line.ts';
import { QuickTime } from './quick-time.ts';
import { readStretch, type Stretch, spanAt } from './stretch.ts';

/** Bytes of a block; a longer line makes a longer one. */
export const BLOCK = 256 * 1024;

/** Whole lines of a generation, and between which times they lie (inclusive). */
export interface Block {
  readonly start: number;
  readonly end: number;
  readonly min: Micros;
  readonly max: Micros;
  /** CRC-32 of the up to 64 bytes before `end`. */
  readonly check: number;
}

/** The blocks of one generation, up to the end that was there at the last look. */
export interface LaneIndex {
  readonly blocks: readonly Block[];
  /** Why there may be more behind the last block than could be read. */
  readonly fault: string | undefined;
}

interface Growing {
  blocks: Block[];
  /** Behind the last whole line. */
  end: Mark;
  /** The last line, while no newline ends it. */
  tail: Block | undefined;
  /** The state of the file that was looked at last. */
  state: string;
  fault: string | undefined;
  queue: Promise<unknown>;
}

export interface IndexSettings {
  readonly fields: readonly string[];
  readonly maxLine: number;
}

/** Opens the lane; `again` after what was opened before turned out to be rewritten. */
type Open = (again: boolean) => Promise<Content>;

/** Remembers, for every lane, which times its blocks hold; 50 bytes a block, 200 KiB for a gigabyte of logs. */
export class Indexes {
  readonly #settings: IndexSettings;
  readonly #lanes = new Map<string, Growing>();

  constructor(settings: IndexSettings) {
    this.#settings = settings;
  }

  /**
   * Extends a lane's index to the present end. `open` is called when something has to be read; the content is left open. With a
   * `budget`, in bytes, it may stop before; the answer is undefined then.
   */
  async extend(lane: Lane, open: Open, signal: AbortSignal, budget?: number): Promise<LaneIndex | undefined> {
    const index = this.#of(lane.name);
    const before = index.queue;
    const turn = (async () => {
      await before.catch(() => undefined);
      return this.#extend(index, lane, open, signal, budget);
    })();
    index.queue = turn.catch(() => undefined);
    if (!(await turn)) return undefined;
    return { blocks: index.tail ? [...index.blocks, index.tail] : [...index.blocks], fault: index.fault };
  }

  /** Forgets lanes that are no longer there. */
  prune(lanes: readonly Lane[]): void {
    const names = new Set(lanes.map(({ name }) => name));
    for (const name of this.#lanes.keys()) if (!names.has(name)) this.#lanes.delete(name);
  }

  #of(name: string): Growing {
    let index = this.#lanes.get(name);
    if (!index) {
      index = { blocks: [], end: BEGINNING, tail: undefined, state: '', fault: undefined, queue: Promise.resolve() };
      this.#lanes.set(name, index);
    }
    return index;
  }

  /** Whether the end was reached. */
  async #extend(index: Growing, lane: Lane, open: Open, signal: AbortSignal, budget?: number): Promise<boolean> {
    const state = stateOf(lane.files[0] as LogFile);
    if (index.state === state) return true;
    index.state = '';
    for (let again = false; ; again = true) {
      const content = await open(again);
      const complete = await this.#scan(index, lane, content, signal, budget);
      if (await content.intact()) {
        if (complete) index.state = state;
        index.fault = content.fault;
        return complete;
      }
      clear(index);
      if (again) throw new RetryableError(`${lane.files[0]?.path} was rewritten while it was read`, { code: 'ERR_FILE_GONE' });
    }
  }

  async #scan(index: Growing, lane: Lane, content: Content, signal: AbortSignal, budget?: number): Promise<boolean> {
    const quick = new QuickTime(this.#settings.fields);
    const stop = budget === undefined || content.compressed ? Number.POSITIVE_INFINITY : index.end.offset + budget;
    index.tail = undefined;
    while (index.end.offset < stop) {
      signal.throwIfAborted();
      const stretch = await readStretch(content, index.end.offset, { maxLine: this.#settings.maxLine, size: BLOCK });
      if (stretch.before !== index.end.crc) {
        // The generation is not what was indexed (shorter, or rewritten behind the same head): begin anew.
        clear(index);
        continue;
      }
      if (stretch.kind === 'end' || (stretch.kind === 'overlong' && stretch.open)) return true;
      const block = this.#blockOf(stretch, index.blocks.at(-1)?.max ?? lane.time, quick);
      if (stretch.kind === 'tail') {
        index.tail = block;
        return true;
      }
      add(index, { ...block, start: index.end.offset });
      index.end = { offset: block.end, crc: block.check };
    }
    return false;
  }

  #blockOf(stretch: Stretch, otherwise: Micros, quick: QuickTime): Block {
    let min = Number.POSITIVE_INFINITY;
    let max = Number.NEGATIVE_INFINITY;
    const { bytes, from, to, start, end } = stretch;
    const text = bytes.toString('latin1', from, to);
    quick.load(text);
    for (let at = 0; at < text.length; ) {
      const newline = text.indexOf('\n', at);
      const stop = newline < 0 ? text.length : newline;
      let time = quick.at(at, stop);
      if (Number.isNaN(time)) time = this.#parse(stretch, from + at);
      if (time < min) min = time;
      if (time > max) max = time;
      at = stop + 1;
    }
    // Lines without a time are met by those who read their neighbours.
    if (min > max) min = max = otherwise;
    return { start, end, min, max, check: crcBefore(bytes, to) };
  }

  /** The time of a line that has to be parsed for it; NaN when it has none. */
  #parse(stretch: Stretch, index: number): Micros {
    const span = spanAt(stretch, index);
    if (span.to === span.from || span.size > this.#settings.maxLine) return Number.NaN;
    const line = parseLine(stretch.bytes, span.from, span.to, this.#settings.fields);
    return typeof line === 'string' ? Number.NaN : line.time;
  }
}

function clear(index: Growing): void {
  index.blocks = [];
  index.end = BEGINNING;
  index.tail = undefined;
}

/** Puts a block behind the others, or into the last one while that is small. */
function add(index: Growing, block: Block): void {
  const last = index.blocks.at(-1);
  if (!last || block.end - last.start > BLOCK) index.blocks.push(block);
  else index.blocks[index.blocks.length - 1] = join(last, block);
}

function join(a: Block, b: Block): Block {
  return { start: a.start, end: b.end, min: Math.min(a.min, b.min), max: Math.max(a.max, b.max), check: b.check };
}

/** Joins neighbours into blocks of about `size` bytes. */
export function coarse(blocks: readonly Block[], size: number): Block[] {
  const joined: Block[] = [];
  for (const block of blocks) {
    const last = joined.at(-1);
    if (last && last.end === block.start && block.end - last.start <= size) joined[joined.length - 1] = join(last, block);
    else joined.push(block);
  }
  return joined;
}

function stateOf(file: LogFile): string {
  return `${file.key} ${file.epoch} ${file.size}`;
}
