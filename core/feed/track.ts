import { describe, type Frame, type JsonObject, type Position } from '../contract/index.ts';
import type { AgentEmitter } from '../telemetry/events.ts';
import { backoff } from './backoff.ts';
import type { Follower } from './follower.ts';
import { Place } from './position.ts';
import { linked, openFeed, readFeed } from './reading.ts';
import { isEntry, type Step, stepsOf, stepsOfLost } from './step.ts';

/** Steps that are looked at without a pause when a filter lets none of them through. */
const STINT = 1024;
const FIRST_RETRY = 100;
const LAST_RETRY = 60_000;

export interface TrackOptions {
  readonly follower: Follower;
  readonly policy: 'latest' | 'complete';
  readonly events: AgentEmitter;
  /** Where to begin; at the end when it is not given. */
  readonly after?: Position | undefined;
  readonly filter: (body: JsonObject) => boolean;
  /** There may be something to take, after there was nothing. */
  news(): void;
  /** `joined`, `opening` or `error` may have changed. */
  changed(): void;
}

/**
 * One client's way through one source. It holds a position and, once it has joined the shared follower, the number of its
 * next step there.
 *
 * Joining compares no cursors: in one synchronous step it takes the follower's position and next number, reads from its own
 * position up to that one by itself, and joins at the number if the ring still has it; else it repeats.
 */
export class Track {
  readonly #options: TrackOptions;
  readonly #stop = new AbortController();
  #place: Place | undefined;
  /** The number of the next step in the ring; undefined until it has joined. */
  #next: number | undefined;
  /** Entries of the ring before `#next`. */
  #passed = 0;
  #catchUp: AsyncGenerator<readonly Step[], void, void> | undefined;
  #steps: readonly Step[] = [];
  #at = 0;
  #busy = false;
  #failures = 0;
  #error: string | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: TrackOptions) {
    this.#options = options;
    if (options.after) this.#place = new Place(options.after);
  }

  /** Takes its first position, if it can, and tells whether it has one. */
  begin(): boolean {
    if (!this.#place) this.#proceed();
    return this.#place !== undefined;
  }

  /** Its position, when it has one. */
  get position(): Position | undefined {
    return this.#place?.at();
  }

  get joined(): boolean {
    return this.#next !== undefined;
  }

  /** The source's feed was not opened yet, ever. */
  get opening(): boolean {
    return !this.#options.follower.ready;
  }

  /** Why it cannot go on at present. */
  get error(): string | undefined {
    return this.#options.follower.error ?? this.#error;
  }

  /** There is something to take that needs no waiting. */
  get hasMore(): boolean {
    return this.#at < this.#steps.length || (this.#next !== undefined && this.#next < this.#options.follower.ring.next);
  }

  /** The next frame that is at hand. When there is none, it sets to work, and calls `news` when there may be one. */
  take(): Frame | undefined {
    if (this.#closed) return undefined;
    if (this.#next === undefined) {
      const frame = this.#takeCaught();
      if (frame || this.hasMore) return frame;
      this.#proceed();
    }
    return this.#takeLive();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#steps = [];
    this.#stop.abort(new Error('the client left'));
    this.#catchUp?.return().catch(this.#options.follower.untidy);
  }

  #takeLive(): Frame | undefined {
    const { ring } = this.#options.follower;
    if (this.#next === undefined || !this.#place) return undefined;
    if (this.#next < ring.first) {
      if (this.#options.policy === 'latest') return this.#skip(this.#place);
      this.#next = undefined;
      this.#proceed();
      return undefined;
    }
    for (let left = STINT; left > 0 && this.#next < ring.next; left--) {
      const step = ring.at(this.#next++);
      if (isEntry(step.frame)) this.#passed++;
      if (this.#pass(step)) return step.frame;
    }
    return undefined;
  }

  #takeCaught(): Frame | undefined {
    for (let left = STINT; left > 0 && this.#at < this.#steps.length; left--) {
      const step = this.#steps[this.#at++] as Step;
      if (this.#pass(step)) return step.frame;
    }
    return undefined;
  }

  /** Moves behind the step; whether the client is to see it. */
  #pass(step: Step): boolean {
    this.#place?.move(step.lane, step.cursor);
    return isEntry(step.frame) ? this.#options.filter(step.frame.entry.body) : step.frame !== undefined;
  }

  #skip(place: Place): Frame {
    const { follower, events } = this.#options;
    const { ring, name } = follower;
    const [after, until] = [place.at(), ring.start.at()];
    const count = ring.entriesBefore(ring.first) - this.#passed;
    place.moveTo(until);
    this.#join(ring.first);
    events.emit('gap', { source: name, count });
    return { event: 'gap', source: name, count, after, until };
  }

  #join(number: number): void {
    this.#next = number;
    this.#passed = this.#options.follower.ring.entriesBefore(number);
  }

  /** Goes on towards joining, unless something is under way already. */
  #proceed(): void {
    const { follower, changed } = this.#options;
    if (this.#busy || this.#closed || !follower.ready) return;
    if (!this.#catchUp) {
      this.#place ??= new Place(follower.ring.end.at());
      if (this.#place.covers(follower.ring.end)) {
        this.#join(follower.ring.next);
        changed();
        return;
      }
      if (!follower.source) return;
      this.#catchUp = this.#read(this.#place);
    }
    this.#busy = true;
    this.#catchUp.next().then(
      (result) => this.#caught(result),
      (error: unknown) => this.#failed(error),
    );
  }

  #caught(result: IteratorResult<readonly Step[], void>): void {
    this.#busy = false;
    if (this.#closed) return;
    if (result.done) {
      this.#catchUp = undefined;
      this.#error = undefined;
      this.#options.changed();
    } else {
      this.#failures = 0;
      this.#steps = result.value;
      this.#at = 0;
    }
    this.#options.news();
  }

  #failed(error: unknown): void {
    const { follower, news, changed } = this.#options;
    this.#catchUp = undefined;
    if (this.#closed) return;
    const delay = backoff(this.#failures++, FIRST_RETRY, LAST_RETRY);
    this.#retry = setTimeout(() => {
      this.#busy = false;
      news();
    }, delay);
    this.#error = describe(error);
    follower.log.debug('a client could not catch up', { source: follower.name, error: this.#error });
    changed();
  }

  /** Reads up to the follower and joins it. It is resumed only when all that it gave was taken. */
  async *#read(place: Place): AsyncGenerator<readonly Step[], void, void> {
    const { follower } = this.#options;
    const { ring, name, source } = follower;
    if (!source) return;
    const { signal, release } = linked(this.#stop.signal, follower.signal);
    try {
      for (;;) {
        const until = ring.end.at();
        const next = ring.next;
        const following = await openFeed(source, { after: place.at(), until }, signal);
        yield stepsOfLost(following, name);
        for await (const batch of readFeed(following, signal, follower.untidy)) yield stepsOf(batch, source.type, name);
        place.moveTo(until);
        if (next < ring.first) continue;
        this.#join(next);
        return;
      }
    } catch (error) {
      // Another instance took over: it is read from the same position.
      if (!follower.signal.aborted && source === follower.source) throw error;
    } finally {
      release();
    }
  }
}
