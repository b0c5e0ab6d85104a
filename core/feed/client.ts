import { setImmediate as turn } from 'node:timers/promises';
import type { DataType, FollowOptions, Frame, Position } from '../contract/index.ts';
import type { Member } from '../query/member.ts';
import type { AgentEmitter } from '../telemetry/events.ts';
import { choose, type Missing } from './choose.ts';
import type { Follower, Listener } from './follower.ts';
import { Track, type TrackOptions } from './track.ts';

/** Frames that are taken from one source before it is the next one's turn. */
const SLICE = 64;
/** Milliseconds that `hello` and `caught-up` wait for sources that have not opened yet. */
const PATIENCE = 2000;

type Standing = Extract<Frame, { event: 'hello' | 'caught-up' }>;

export interface ClientOptions {
  readonly type: DataType;
  readonly follow: FollowOptions;
  readonly events: AgentEmitter;
  readonly filter: TrackOptions['filter'];
  members(): readonly Member[];
  acquire(name: string): Follower;
  release(follower: Follower): void;
  /** The client begins; `false` when it must not. */
  started(client: Client): boolean;
  /** The client has ended. */
  ended(client: Client): void;
}

/** One follower of a type: the frames of all its sources, as fast as they are taken. It starts with the first `next`. */
export class Client implements AsyncIterableIterator<Frame>, Listener {
  readonly #options: ClientOptions;
  readonly #signal: AbortSignal;
  readonly #tracks = new Map<string, { readonly follower: Follower; readonly track: Track }>();
  #state: 'new' | 'greeting' | 'open' | 'ended' = 'new';
  #missing: readonly Missing[] = [];
  /** What the last `caught-up` said. */
  #told = '';
  #unsure = false;
  #order: Track[] = [];
  #turn = 0;
  #slice = SLICE;
  #sleepers: (() => void)[] = [];
  #patience: NodeJS.Timeout | undefined;
  #impatient = false;

  constructor(options: ClientOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Frame, undefined>> {
    if (this.#state === 'new') this.#start();
    const frame = this.#take();
    return frame ? Promise.resolve({ done: false, value: frame }) : this.#wait();
  }

  async return(): Promise<IteratorResult<Frame, undefined>> {
    this.end();
    return { done: true, value: undefined };
  }

  /** Ends the stream and frees what it holds. */
  end = (): void => {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    clearTimeout(this.#patience);
    this.#signal.removeEventListener('abort', this.end);
    for (const { follower, track } of this.#tracks.values()) {
      follower.listeners.delete(this);
      track.close();
      this.#options.release(follower);
    }
    this.#tracks.clear();
    this.#order = [];
    this.#options.ended(this);
    this.news();
  };

  /** The configured sources, or their instances, are others than before. */
  reconcile(): void {
    if (this.#state === 'new' || this.#state === 'ended') return;
    const { type, follow } = this.#options;
    const { followed, missing } = choose(this.#options.members(), type, follow.sources, follow.after ?? {});
    for (const { name } of followed) if (!this.#tracks.has(name)) this.#add(name);
    // A source that was followed and went away is told of by its track.
    this.#missing = missing.filter((one) => !this.#tracks.has(one.source));
    this.changed();
  }

  news(): void {
    for (const wake of this.#sleepers.splice(0)) wake();
  }

  changed(): void {
    this.#unsure = true;
    this.news();
  }

  #start(): void {
    if (this.#signal.aborted || !this.#options.started(this)) {
      this.end();
      return;
    }
    this.#state = 'greeting';
    this.#signal.addEventListener('abort', this.end);
    this.reconcile();
    this.#patience = setTimeout(() => {
      this.#impatient = true;
      this.changed();
    }, PATIENCE);
  }

  #add(name: string): void {
    const { follow, events, filter, acquire } = this.#options;
    const follower = acquire(name);
    follower.listeners.add(this);
    const after = this.#after(name);
    const options = { follower, policy: follow.policy, events, filter, after, news: () => this.news(), changed: () => this.changed() };
    const track = new Track(options);
    this.#tracks.set(name, { follower, track });
    this.#order = [...this.#tracks.values()].map((one) => one.track);
  }

  #after(source: string): Position | undefined {
    const { after } = this.#options.follow;
    return after && Object.hasOwn(after, source) ? after[source] : undefined;
  }

  async #wait(): Promise<IteratorResult<Frame, undefined>> {
    for (;;) {
      if (this.#state === 'ended') return { done: true, value: undefined };
      if (this.#order.some((track) => track.hasMore) && this.#state === 'open') await turn();
      else await new Promise<void>((wake) => this.#sleepers.push(wake));
      const frame = this.#take();
      if (frame) return { done: false, value: frame };
    }
  }

  #take(): Frame | undefined {
    if (this.#state === 'greeting') return this.#hello();
    if (this.#state !== 'open') return undefined;
    for (let tried = 0; tried < this.#order.length; ) {
      const caughtUp = this.#unsure ? this.#caughtUp() : undefined;
      if (caughtUp) return caughtUp;
      const frame = this.#slice > 0 ? this.#order[this.#turn]?.take() : undefined;
      if (frame) {
        this.#slice--;
        return frame;
      }
      if (this.#slice > 0) tried++;
      this.#turn = (this.#turn + 1) % this.#order.length;
      this.#slice = SLICE;
    }
    return this.#unsure ? this.#caughtUp() : undefined;
  }

  /** Comes once it is known for every source where it begins, or why it does not. */
  #hello(): Frame | undefined {
    const begun = this.#order.every((track) => track.begin() || track.error !== undefined);
    if (!begun && !this.#impatient) return undefined;
    this.#state = 'open';
    this.#unsure = true;
    return this.#standing('hello');
  }

  /** Comes when every source has joined or cannot, and again when that has changed. */
  #caughtUp(): Frame | undefined {
    this.#unsure = false;
    const tracks = [...this.#tracks.values()].map((one) => one.track);
    if (!tracks.every((track) => track.joined || this.#obstacle(track) !== undefined)) return undefined;
    const frame = this.#standing('caught-up');
    const said = JSON.stringify([Object.keys(frame.position), frame.missing]);
    if (said === this.#told) return undefined;
    this.#told = said;
    return frame;
  }

  /** Why a source does not join, as far as it is known. */
  #obstacle(track: Track): string | undefined {
    return track.error ?? (this.#impatient && track.opening ? 'its live feed is still being opened' : undefined);
  }

  #standing(event: 'hello' | 'caught-up'): Standing {
    const position: [string, Position][] = [];
    const missing = [...this.#missing];
    // What a client asked for is said back even while it cannot be had, so that it keeps its place by what it is told.
    for (const { source } of missing) {
      const after = this.#after(source);
      if (after) position.push([source, after]);
    }
    for (const [source, { track }] of this.#tracks) {
      if (track.position) position.push([source, track.position]);
      const reason = this.#obstacle(track);
      if (reason !== undefined) missing.push({ source, reason });
    }
    return { event, position: Object.fromEntries(position), missing };
  }
}
