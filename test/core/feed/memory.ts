import { setImmediate as turn } from 'node:timers/promises';
import type { Batch, Draft, FollowFacet, Following, Lost, Position, Source } from '../../../core/contract/index.ts';

/** What a source of the tests keeps: lanes of entries. A cursor is the number of entries before it. */
export class Store {
  readonly lanes = new Map<string, Draft[]>();
  /** Entries at the head of each lane that are gone. */
  readonly trimmed = new Map<string, number>();
  readonly replay = 'exact' as const;
  #waiting: (() => void)[] = [];
  #count = 0;
  /** Feeds that are open now. */
  open = 0;

  append(lane: string, count = 1, text = ''): void {
    const entries = this.lanes.get(lane) ?? [];
    this.lanes.set(lane, entries);
    for (let index = 0; index < count; index++) {
      const n = ++this.#count;
      entries.push({ id: `${lane}.${entries.length}`, time: n, json: JSON.stringify({ lane, n: entries.length, text }) });
    }
    for (const wake of this.#waiting.splice(0)) wake();
  }

  trim(lane: string, count: number): void {
    this.trimmed.set(lane, count);
  }

  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#waiting.push(done);
      signal.addEventListener('abort', done);
    });
  }

  /** Lets every open feed look around, so that one that was told to fail does. */
  poke(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** One instance of a source over a store. Several instances over one store are what a restart leaves behind. */
export class Instance implements Source {
  readonly type: string;
  readonly #store: Store;
  readonly #batch: number;
  /** Set: every feed of this instance throws it, and opens no more. */
  broken: Error | undefined;
  opened = 0;

  constructor(store: Store, options: { type?: string; batch?: number } = {}) {
    this.type = options.type ?? 'logs';
    this.#store = store;
    this.#batch = options.batch ?? 3;
  }

  readonly follow: FollowFacet = {
    replay: 'exact',
    open: async ({ after, until }, signal): Promise<Following> => {
      await turn();
      if (this.broken) throw this.broken;
      this.opened++;
      const start: Record<string, string> = {};
      const lost: Lost[] = [];
      for (const [lane, entries] of this.#store.lanes) {
        const wanted = after === 'end' ? entries.length : after === 'beginning' ? 0 : Number(after[lane] ?? 0);
        const oldest = this.#store.trimmed.get(lane) ?? 0;
        if (wanted < oldest) lost.push({ lane, reason: 'it was trimmed', entries: oldest - wanted });
        start[lane] = String(Math.max(wanted, oldest));
      }
      return { start, lost, batches: this.#read({ ...start }, until, signal) };
    },
  };

  async *#read(at: Record<string, string>, until: Position | undefined, signal: AbortSignal): AsyncGenerator<Batch> {
    this.#store.open++;
    try {
      while (!signal.aborted) {
        if (this.broken) throw this.broken;
        const batch = this.#next(at, until);
        if (batch) {
          at[batch.lane] = batch.cursor;
          yield batch;
        } else if (until) return;
        else await this.#store.changed(signal);
      }
    } finally {
      this.#store.open--;
    }
  }

  #next(at: Record<string, string>, until: Position | undefined): Batch | undefined {
    for (const [lane, all] of this.#store.lanes) {
      const from = Number(at[lane] ?? 0);
      const to = Math.min(from + this.#batch, until ? Number(until[lane] ?? 0) : all.length);
      if (to <= from) continue;
      const entries = all.slice(from, to);
      return { lane, entries, cursor: String(to), cursorAt: (index) => String(from + index + 1) };
    }
    return undefined;
  }
}

/** Waits for an outcome, for at most 20 s. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 20_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`it did not come about that ${what}`);
    await turn();
  }
}
