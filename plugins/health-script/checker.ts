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
  readonly #abort = () => this.#stopping.abort();
  #last: Result | undefined;
  #running: Promise<Result> | undefined;
  #cleared: Promise<void> = Promise.resolve();
  #began = Number.NEGATIVE_INFINITY;
  readonly #unrecorded: Result[] = [];
  #wake: () => void = () => undefined;

  constructor(context: SourceContext<Options>, label: string) {
    this.#context = context;
    this.#label = label;
    this.#course = createCourse(context.options, context.state, context.log);
    this.#mask = masking(context.options.env);
    if (context.signal.aborted) this.#abort();
    else context.signal.addEventListener('abort', this.#abort, { once: true });
  }

  /** Aborts when the source is being stopped. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  /** The newest result if it is young enough, else that of a run. Giving up waiting does not end the run. */
  async present(signal: AbortSignal): Promise<Result> {
    signal.throwIfAborted();
    if (this.#last && ageOf(this.#last) <= this.#context.options.cache) return this.#last;
    return unlessAborted(this.#run(), signal);
  }

  /**
   * Runs the script when it is time to: `every` after the start of the run before, whoever asked for that one. Resolves when a
   * run has ended or begun, or the signal aborted.
   */
  async next(signal: AbortSignal): Promise<void> {
    const wait = this.#began + this.#context.options.every - performance.now();
    if (!this.#running && wait > 0) return this.#pause(wait, signal);
    try {
      await unlessAborted(this.#run(), signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Results that nobody has taken yet, oldest first. */
  takeUnrecorded(): Result[] {
    return this.#unrecorded.splice(0);
  }

  /** Ends the script that is running, and resolves when nothing of it is left. */
  async stop(): Promise<void> {
    this.#context.signal.removeEventListener('abort', this.#abort);
    this.#abort();
    // Who asked for the run is told how it ended.
    await this.#running?.catch(() => undefined);
    await this.#cleared;
  }

  #run(): Promise<Result> {
    if (this.#running) return this.#running;
    this.#began = performance.now();
    const running = this.#check().finally(() => {
      this.#running = undefined;
    });
    this.#running = running;
    this.#wake();
    return running;
  }

  async #check(): Promise<Result> {
    const { options, host, id, log } = this.#context;
    const { command, cwd, env, timeout, max_output: maxOutput } = options;
    const script = { command, cwd, env: environmentOf(env, process.env), timeout, maxOutput };
    const outcome = await runScript(script, this.stopping).catch((cause: unknown) => {
      if (!this.stopping.aborted) throw cause;
      throw new RetryableError(`${this.#label} was not run to its end: the source is being stopped`, { cause });
    });
    this.#watchClearing(outcome.cleared);
    const ended = now();
    const at = performance.now();
    const time = ended === this.#last?.time ? ended + 1 : ended;
    const name = this.#label.replace(/\.\w+$/, '') || this.#label;
    const reading = interpret(outcome, { options, name, mask: this.#mask });
    const standing = await this.#course.record(reading.status);
    const body = bodyOf({ source: id, script: this.#label, command, time, outcome, reading, standing, mask: this.#mask });
    const result = { id: idOf(host, id, time), time, at, body };
    this.#last = result;
    this.#unrecorded.push(result);
    if (this.#unrecorded.length > MAX_UNRECORDED) {
      this.#unrecorded.shift();
      log.debug('nobody records the results; the oldest is let go');
    }
    this.#tell(reading, standing, outcome.durationMs);
    return result;
  }

  #watchClearing(cleared: Promise<boolean>): void {
    const before = this.#cleared;
    this.#cleared = cleared.then((all) => {
      if (!all) this.#context.log.warn('processes that a health script left behind may not be ended by this user', { script: this.#label });
      return before;
    });
  }

  #tell({ status, notes }: Reading, { state, before, flapping, turned, changePercent }: Standing, durationMs: number): void {
    const { log } = this.#context;
    const fields = { script: this.#label, status, state, duration_ms: durationMs };
    if (status === before) log.debug('a health script ran', fields);
    else if (status === 'ok') log.info('a health script says ok', { ...fields, ...(before && { before }) });
    else log.warn(`a health script says ${status}`, { ...fields, ...(before && { before }), notes: notes.slice(0, 3).map(this.#mask) });
    if (turned)
      log.warn(flapping ? 'its state is flapping' : 'its state is flapping no more', { ...fields, change_percent: changePercent });
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.#wake = () => undefined;
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done);
      this.#wake = done;
      if (signal.aborted) done();
    });
  }
}

/** Settles as `work` does, or rejects with the signal's reason; `work` goes on. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort);
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
    if (signal.aborted) abort();
  });
}
