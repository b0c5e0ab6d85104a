import { now, RetryableError, type SourceContext } from '../../core/contract/index.ts';
import { type Course, createCourse, type Standing } from './course.ts';
import { environmentOf, masking } from './environment.ts';
import { interpret } from './interpret.ts';
import type { Options } from './options.ts';
import type { Reading } from './reading.ts';
import { ageOf, bodyOf, idOf, type Result } from './result.ts';
import { runScript } from './run-script.ts';

/** Results that wait to be recorded. More pile up only while nobody records, as on a visit beside a running agent. */
const MAX_UNRECORDED = 100;

/**
 * Runs the script, one run at a time, whoever asks: a result that is young enough is handed out again, and who asks during a
 * run waits for it.
 */
export class Checker {
  readonly #context: SourceContext<Options>;
  readonly #label: string;
  readonly #course: Course;
  readonly #mask: (text: string) => string;
  readonly #stopping = new AbortController();
  #last: Result | undefined;
  #running: Promise<Result> | undefined;
  #cleared: Promise<void> = Promise.resolve();
  #began = Number.NEGATIVE_INFINITY;
  #unrecorded: Result[] = [];

  constructor(context: SourceContext<Options>, label: string) {
    this.#context = context;
    this.#label = label;
    this.#course = createCourse(context.options, context.state, context.log);
    this.#mask = masking(context.options.env);
    if (context.signal.aborted) this.#stopping.abort();
    else context.signal.addEventListener('abort', () => this.#stopping.abort(), { once: true });
  }

  /** The newest result if it is young enough, else that of a run. Giving up waiting does not end the run. */
  async present(signal: AbortSignal): Promise<Result> {
    signal.throwIfAborted();
    if (this.#last && !this.#running && ageOf(this.#last) <= this.#context.options.cache) return this.#last;
    return unlessAborted(this.#run(), signal);
  }

  /**
   * Resolves when something may be there to record: a run has ended, or the signal aborted. A run begins `every` milliseconds
   * after the one before it began.
   */
  async next(every: number, signal: AbortSignal): Promise<void> {
    ...
  }

  takeUnrecorded(): Result[] {
    return this.#unrecorded.splice(0);
  }

  /** Ends the script that is running, and resolves when nothing of it is left. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running?.catch(() => undefined);
    await this.#cleared;
  }
}
