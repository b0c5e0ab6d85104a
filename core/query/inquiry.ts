import { describe, LEFT_OUT, type Log, type Run, type SourceReport } from '../contract/index.ts';
import { type Circuits, NotAsked } from './circuit.ts';
import { Allowance, type Clock, Overdue } from './deadline.ts';
import type { Member } from './member.ts';
import { BrokenRule } from './row.ts';

const MOST_NOTES = 20;

interface Note {
  text: string;
  count: number;
  times: number;
}

/** What all inquiries of a request have in common. */
export interface Asking {
  readonly clock: Clock;
  /** Milliseconds. */
  readonly deadline: number;
  readonly circuits: Circuits;
  readonly log: Log;
}

/** One source's part in one request: how long it may take, what it remarked, and what became of it. */
export class Inquiry {
  readonly member: Member;
  readonly run: Run;
  readonly allowance: Allowance;
  readonly #controller = new AbortController();
  readonly #log: Log;
  readonly #circuits: Circuits;
  readonly #notes = new Map<string, Note>();
  #failure: { readonly status: 'failed' | 'timeout'; readonly error: string; readonly thrown: unknown } | undefined;
  #entered = false;
  #unheard = 0;
  #skipped = 0;
  /** Rows in the page. */
  count = 0;
  duplicates = 0;

  constructor(member: Member, { clock, deadline, circuits, log }: Asking) {
    this.member = member;
    this.#circuits = circuits;
    this.#log = log;
    const { signal } = this.#controller;
    this.allowance = new Allowance(clock, deadline, signal);
    this.run = { signal, note: (code, text, count = 1) => this.#note(String(code), String(text), count) };
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** It is left alone, since it failed in the requests before. */
  get notAsked(): boolean {
    return this.#failure?.thrown instanceof NotAsked;
  }

  /** To be called before the source is; throws a {@link NotAsked} when it is to be left alone. */
  enter(): void {
    this.#circuits.enter(this.member, this);
    this.#entered = true;
  }

  /** Ends what `enter` began; `telling`: what became of it says whether the source is there. */
  leave(telling: boolean): void {
    if (!this.#entered) return;
    this.#entered = false;
    const outcome = this.#failure ? { error: this.#failure.thrown } : {};
    const opened = this.#circuits.leave(this.member, this, telling ? outcome : 'neither');
    const error = this.#failure?.error ?? '';
    if (opened) this.#log.warn('a source failed several times in a row; it is left alone for a while', { source: this.member.name, error });
  }

  /** Ends the source's part with an error; the first one counts. */
  fail(error: unknown): void {
    this.#failure ??= { status: statusOf(error), error: describe(error), thrown: error };
    if (error instanceof BrokenRule)
      this.#log.error('a source broke a rule of the contract', { source: this.member.name, error: describe(error) });
  }

  /** Tells the source to stop. It may be called again. */
  stop(reason: unknown = new DOMException('the answer is complete', 'AbortError')): void {
    this.#controller.abort(reason);
  }

  /** Reports a failure while cleaning up after the source, which changes no answer. */
  untidy(error: unknown): void {
    this.#log.debug('a source failed while its query was closed', { source: this.member.name, error: describe(error) });
  }

  notes(): string[] {
    const texts = [...this.#notes.values()].map(({ text, count, times }) => {
      // A text that states the sum by itself needs no more.
      return times === 1 || new RegExp(`\\b${count}\\b`).test(text) ? text : `${text} (${count} in all)`;
    });
    if (this.#unheard > 0) texts.push(`${this.member.name}: ${this.#unheard} more remarks`);
    return texts;
  }

  /** `retry` is left out when the source failed in nothing. */
  report(retry: (source: string) => string | undefined): SourceReport {
    const { name, label } = this.member;
    const tookMs = Math.round(this.allowance.spent * 10) / 10;
    const facts = {
      name,
      label,
      count: this.count,
      duplicates: this.duplicates,
      tookMs,
      ...(this.#skipped > 0 && { skipped: this.#skipped }),
    };
    if (!this.#failure) return { ...facts, status: 'ok' };
    const token = retry(name);
    const { status, error } = this.#failure;
    return { ...facts, status, error, ...(token !== undefined && { retry: token }) };
  }

  #note(code: string, text: string, count: number): void {
    if (LEFT_OUT.includes(code.replace(/:.*/s, ''))) this.#skipped += count;
    const known = this.#notes.get(code);
    if (known) {
      known.text = text;
      known.count += count;
      known.times++;
    } else if (this.#notes.size < MOST_NOTES) {
      this.#notes.set(code, { text, count, times: 1 });
    } else {
      this.#unheard++;
    }
  }
}

function statusOf(error: unknown): 'failed' | 'timeout' {
  if (error instanceof NotAsked) return error.status;
  return error instanceof Overdue ? 'timeout' : 'failed';
}
