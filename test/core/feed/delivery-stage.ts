import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import type { Entry, Json, KeyValue, Rejected } from '../../../core/contract/index.ts';
import { createDelivery, type Delivery } from '../../../core/feed/delivery.ts';
import type { Member } from '../../../core/query/member.ts';
import { createEvents } from '../../../core/telemetry/events.ts';
import { keepLog } from '../query/sources.ts';
import { until } from './memory.ts';

/** Keeps its values as text, as a store on a disk does. */
export class Memory implements KeyValue {
  readonly values = new Map<string, string>();
  fails = 0;
  async get(key: string): Promise<Json | undefined> {
    this.#mayFail();
    const text = this.values.get(key);
    return text === undefined ? undefined : JSON.parse(text);
  }
  async set(key: string, value: Json): Promise<void> {
    this.#mayFail();
    this.values.set(key, JSON.stringify(value));
  }
  async delete(key: string): Promise<void> {
    this.values.delete(key);
  }
  #mayFail(): void {
    if (this.fails > 0) {
      this.fails--;
      throw new Error('the state is locked');
    }
  }
}

/** A sink that does as its script says, call by call, and then as its last line says. */
export class Sink {
  readonly kept = new Map<string, string>();
  readonly calls: string[][] = [];
  writing = 0;
  script: ((entries: readonly Entry[]) => Promise<void | readonly Rejected[]> | void)[] = [];
  poison = new Set<string>();
  down = false;

  write = async (entries: readonly Entry[]): Promise<void | readonly Rejected[]> => {
    expect(++this.writing).toBe(1);
    try {
      this.calls.push(entries.map((entry) => entry.id));
      await turn();
      const result = await this.script.shift()?.(entries);
      if (this.down) throw new Error('connection refused');
      if (entries.some((entry) => this.poison.has(entry.id))) throw new Error('bad value');
      for (const entry of entries) this.kept.set(entry.id, entry.json);
      return result;
    } finally {
      this.writing--;
    }
  };
}

/** The delivery of a test, with a folder of its own and a clock that goes when it is told to. */
export class DeliveryStage {
  folder = '';
  log = keepLog();
  state = new Memory();
  controller = new AbortController();
  #delivery: Delivery | undefined;

  constructor() {
    beforeEach(async () => {
      this.folder = await mkdtemp(join(tmpdir(), 'cauce-delivery-'));
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      this.log = keepLog();
      this.state = new Memory();
    });
    afterEach(async () => {
      this.controller.abort();
      await this.#delivery?.drain(0);
      vi.useRealTimers();
      await rm(this.folder, { recursive: true, force: true });
    });
  }

  deliver(sink: Sink, members: () => readonly Member[], from?: readonly string[]): Delivery {
    this.controller = new AbortController();
    this.#delivery = this.#create(sink, members, this.state, from);
    return this.#delivery;
  }

  /** Another sink beside the first one. */
  deliverToo(sink: Sink, members: () => readonly Member[]): Delivery {
    return this.#create(sink, members, new Memory());
  }

  #create(sink: Sink, members: () => readonly Member[], state: Memory, from?: readonly string[]): Delivery {
    const { log, controller } = this;
    const { signal } = controller;
    const deadLetter = join(this.folder, 'dead', 'ship.jsonl');
    const options = { sink: 'ship', write: sink.write, members, state, events: createEvents(), log, deadLetter, signal };
    return createDelivery({ ...options, ...(from && { from }) });
  }

  async letters(): Promise<{ source: string; id: string; reason: string; sink: string; entry: { lane: string } }[]> {
    const text = await readFile(join(this.folder, 'dead', 'ship.jsonl'), 'utf8').catch(() => '');
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }

  /** What the checkpoint of a source says. */
  checkpoint(source: string) {
    return JSON.parse(this.state.values.get(`checkpoint:${source}`) ?? 'null');
  }

  texts(): string[] {
    return this.log.lines.map((line) => line.text);
  }
}

export const ids = (lane: string, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => `${lane}.${from + index}`);

/** Lets time pass until it is so. */
export async function passing(holds: () => boolean, what: string): Promise<void> {
  const clock = setInterval(() => vi.advanceTimersByTime(500), 1);
  try {
    await until(holds, what);
  } finally {
    clearInterval(clock);
  }
}

/** Lets so much time pass, and everybody do what they do in it. */
export async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 500) {
    vi.advanceTimersByTime(500);
    for (let turns = 0; turns < 5; turns++) await turn();
  }
}
