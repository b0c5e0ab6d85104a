import { CauceError, describe, RetryableError, type Source } from '../contract/index.ts';
import { Overdue } from './deadline.ts';
import type { Member } from './member.ts';

/** Failures in a row after which a source is not waited for. */
const TRIES = 3;
/** Milliseconds until one request tries it again. */
const REST = 5_000;

/** One instance of a source, as the requests that asked it found it. */
class Circuit {
  #failures = 0;
  #last = { status: 'failed' as 'failed' | 'timeout', error: '' };
  #restsUntil = 0;
  /** The request that tries it; while it does, the others do not wait for it either. */
  #trial: object | undefined;

  get open(): boolean {
    return this.#failures >= TRIES;
  }

  /** Why it is not asked; undefined when this request may. */
  enter(request: object): NotAsked | undefined {
    if (!this.open) return undefined;
    const left = this.#restsUntil - performance.now();
    if (left <= 0 && !this.#trial) {
      this.#trial = request;
      return undefined;
    }
    const again = left > 0 ? `it is asked again in ${Math.ceil(left / 1000)} s` : 'another request is asking it';
    const { status, error } = this.#last;
    return new NotAsked(`is not asked: it failed ${this.#failures} times in a row (last: ${error}); ${again}`, status);
  }

  /** Whether this failure opened it. */
  failed(error: unknown): boolean {
    const before = this.open;
    this.#failures++;
    this.#last = { status: error instanceof Overdue ? 'timeout' : 'failed', error: describe(error) };
    this.#restsUntil = performance.now() + REST;
    return this.open && !before;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  leave(request: object): void {
    if (this.#trial === request) this.#trial = undefined;
  }
}

/** A source was left out of a request, because it failed in those before; `status` is how. */
export class NotAsked extends CauceError {
  readonly status: 'failed' | 'timeout';

  constructor(message: string, status: 'failed' | 'timeout') {
    super('ERR_NOT_ASKED', message);
    this.status = status;
  }
}

/** What became of a source's part in a request: `neither` tells nothing about whether it is there. */
export type Outcome = { readonly error?: unknown } | 'neither';

/**
 * Keeps requests from waiting for sources that are not there. An instance that failed three times in a row rests for 5 s, then
 * one request tries it; an answer closes its circuit, and so does a new instance.
 */
export class Circuits {
  readonly #bySource = new WeakMap<Source, Circuit>();

  /** Throws a {@link NotAsked} when the source is to be left alone. `request` is any object that stands for the request. */
  enter({ source }: Member, request: object): void {
    const refused = source && this.#of(source).enter(request);
    if (refused) throw refused;
  }

  /** To be called at the end of every request that entered; whether that opened the circuit. */
  leave({ source }: Member, request: object, outcome: Outcome): boolean {
    if (!source) return false;
    const circuit = this.#of(source);
    let opened = false;
    if (outcome !== 'neither') {
      if (outcome.error === undefined) circuit.succeeded();
      else if (isAbsence(outcome.error)) opened = circuit.failed(outcome.error);
    }
    circuit.leave(request);
    return opened;
  }

  isOpen(source: Source): boolean {
    return this.#of(source).open;
  }

  #of(source: Source): Circuit {
    const known = this.#bySource.get(source) ?? new Circuit();
    this.#bySource.set(source, known);
    return known;
  }
}

/** It was too slow, or it could not be reached. What it refuses, or gets wrong, it is there to do. */
function isAbsence(error: unknown): boolean {
  return error instanceof Overdue || error instanceof RetryableError || !(error instanceof CauceError);
}
