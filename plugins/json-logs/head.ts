import { createHash, type Hash } from 'node:crypto';
import type { Micros } from '../../core/contract/index.ts';
import type { Content } from './content.ts';
import { parseLine } from './line.ts';
import { Skipped } from './skipped.ts';
import { readStretch, type Span, type Stretch, spanAt } from './stretch.ts';

const SIZE = 16 * 1024;

/** What a generation is known by, whatever its file is called. */
export interface Head {
  /** `<time of the first timed line, base 36>-<16 hex digits>`. */
  readonly generation: string;
  readonly time: Micros;
}

/**
 * Looks for the first timed line of a file, going on where it stopped last time. The hash is SHA-256 over the host's name, a NUL,
 * and every line through that one, without blanks at the end, joined by newlines; blank lines and holes do not count.
 */
export class HeadScan {
  /** Lines before the first timed one; they are no log lines. */
  readonly skipped = new Skipped();
  readonly #hash: Hash;
  readonly #fields: readonly string[];
  readonly #maxLine: number;
  #offset = 0;

  constructor(host: string, fields: readonly string[], maxLine: number) {
    this.#hash = createHash('sha256').update(`${host}\0`);
    this.#fields = fields;
    this.#maxLine = maxLine;
  }

  /** The head, once there is one, of the first `size` bytes. */
  async advance(content: Content, size: number, path: string, signal: AbortSignal): Promise<Head | undefined> {
    for (;;) {
      signal.throwIfAborted();
      const stretch = await readStretch(content, this.#offset, { maxLine: this.#maxLine, size: SIZE, until: size });
      if (stretch.kind === 'end' || (stretch.kind === 'overlong' && stretch.open)) return undefined;
      const head = stretch.kind === 'overlong' ? this.#pass(stretch, path) : this.#look(stretch, path);
      if (head || stretch.kind === 'tail') return head;
      this.#offset = stretch.end;
    }
  }

  #pass(stretch: Stretch, path: string): undefined {
    this.#hash.update(`${stretch.end - stretch.start}\0\n`);
    this.skipped.add({ path, offset: stretch.start, reason: `longer than ${this.#maxLine} bytes` });
  }

  #look(stretch: Stretch, path: string): Head | undefined {
    for (let index = stretch.from; index < stretch.to; ) {
      const span = spanAt(stretch, index);
      index = span.next;
      if (span.to === span.from) continue;
      const head = this.#judge(stretch, span, path);
      if (head) return head;
    }
    return undefined;
  }

  #judge(stretch: Stretch, span: Span, path: string): Head | undefined {
    const text = stretch.bytes.subarray(span.from, span.to);
    const line =
      span.size > this.#maxLine ? `longer than ${this.#maxLine} bytes` : parseLine(stretch.bytes, span.from, span.to, this.#fields);
    if (typeof line !== 'string') {
      const digest = this.#hash.copy().update(text).digest('hex').slice(0, 16);
      return { generation: `${line.time.toString(36)}-${digest}`, time: line.time };
    }
    // The last line may be half written; it is looked at again when there is more of it.
    if (stretch.kind === 'tail') return undefined;
    this.#hash.update(text).update('\n');
    this.skipped.add({ path, offset: span.at, reason: line });
    return undefined;
  }
}
