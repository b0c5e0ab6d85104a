import { createHash } from 'node:crypto';
import { type JsonObject, type KeyValue, type Micros, now, problem, RetryableError } from '../../core/contract/index.ts';
import { Refusal } from './faults.ts';

const KEPT = 24 * 3_600_000_000;
/** Keys are kept on 64 shelves, one value each, so that each is small enough to be written anew for a key. */
const MOST_ON_A_SHELF = 500;

export interface Pin {
  readonly time: Micros;
  /** The key was not known before. */
  readonly fresh: boolean;
}

/**
 * What the first request with an `Idempotency-Key` said, and the time that it pinned for bodies that name none; kept for 24
 * hours, at most 500 for each of 64 parts of the keys. A pin is in the state before anything is written by it.
 */
export class Pins {
  readonly #state: KeyValue;
  readonly #clock: () => Micros;
  #turn: Promise<unknown> = Promise.resolve();
  #last = 0;
  /** Requests under way with keys that were not known before them, and whether one of them may have added something. */
  readonly #underWay = new Map<string, { requests: number; kept: boolean }>();

  constructor(state: KeyValue, clock: () => Micros = now) {
    this.#state = state;
    this.#clock = clock;
  }

  /** `count` microseconds from the pinned time on are of this request alone. Throws a {@link Refusal} when the key was used for another one. */
  pin(key: string, request: string, count: number): Promise<Pin> {
    return this.#inTurn(async () => {
      const [shelf, name] = placeOf(key);
      const pins = await this.#read(shelf);
      const known = pins.get(name);
      const hash = hashOf(request);
      if (known && known.hash !== hash) {
        const detail = 'this Idempotency-Key was used for another request in the last 24 hours; take a new key for a new request';
        throw new Refusal(problem(409, 'ERR_IDEMPOTENCY_KEY', detail));
      }
      const others = this.#underWay.get(name);
      if (known && others) others.requests++;
      if (known) return { time: known.time, fresh: false };
      if (pins.size >= MOST_ON_A_SHELF)
        throw new RetryableError('too many Idempotency-Keys were used in the last 24 hours; give created_at instead, or repeat it later', {
          code: 'ERR_IDEMPOTENCY_KEYS',
        });
      const time = Math.max(this.#last + 1, this.#clock());
      this.#last = time + count - 1;
      await this.#write(shelf, pins.set(name, { hash, time }));
      this.#underWay.set(name, { requests: 1, kept: false });
      return { time, fresh: true };
    });
  }

  /**
   * Ends what {@link pin} began. A key by which nothing can have been added is forgotten, so that the request may be mended and
   * sent again; not while another request has its time as well.
   */
  settle(key: string, mayHaveAdded: boolean): Promise<void> {
    return this.#inTurn(async () => {
      const [shelf, name] = placeOf(key);
      const state = this.#underWay.get(name);
      if (!state) return;
      state.kept ||= mayHaveAdded;
      state.requests--;
      if (state.requests > 0) return;
      this.#underWay.delete(name);
      if (state.kept) return;
      const pins = await this.#read(shelf);
      if (pins.delete(name)) await this.#write(shelf, pins);
    });
  }

  async #read(shelf: string): Promise<Map<string, { hash: string; time: Micros }>> {
    const kept = ((await this.#state.get(shelf)) ?? {}) as Readonly<Record<string, readonly [hash: string, time: Micros]>>;
    const oldest = this.#clock() - KEPT;
    return new Map(Object.entries(kept).flatMap(([name, [hash, time]]) => (time < oldest ? [] : [[name, { hash, time }]])));
  }

  #write(shelf: string, pins: ReadonlyMap<string, { hash: string; time: Micros }>): Promise<void> {
    const kept: JsonObject = Object.fromEntries([...pins].map(([name, { hash, time }]) => [name, [hash, time]]));
    return pins.size > 0 ? this.#state.set(shelf, kept) : this.#state.delete(shelf);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

/** The keys themselves are not kept: they are as long as their senders like, and may say something. */
function placeOf(key: string): [shelf: string, name: string] {
  const name = hashOf(key);
  return [`idempotency:${name.slice(0, 1)}`, name.slice(1)];
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}
