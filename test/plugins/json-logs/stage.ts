import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Batch, Draft, FollowRequest, Lost, Position, Query, Run, Source } from '../../../core/contract/index.ts';
import plugin from '../../../plugins/json-logs/index.ts';

const everything: Query = { from: Number.MIN_SAFE_INTEGER, to: Number.MAX_SAFE_INTEGER, order: 'newest', where: [] };
const BASE = Date.UTC(2025, 10, 7) * 1000;

/** A folder of its own, and sources that read it. */
export class Stage {
  readonly folder: string;
  readonly warnings: string[] = [];
  readonly #controller = new AbortController();

  constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<Stage> {
    return new Stage(await mkdtemp(path.join(tmpdir(), 'json-logs-')));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  path(name: string): string {
    return path.join(this.folder, name);
  }

  source(options: Record<string, unknown> = {}): Required<Pick<Source, 'query' | 'follow' | 'start' | 'stop' | 'probe'>> {
    const quiet = () => undefined;
    const log = { debug: quiet, info: quiet, warn: (text: string) => void this.warnings.push(text), error: quiet };
    const parsed = plugin.options.parse({ paths: this.path('app.json.log'), poll: '50ms', ...options });
    const state = { get: async () => undefined, set: async () => undefined, delete: async () => undefined };
    return plugin.create({ id: 'app', host: 'host-1', options: parsed, log, signal: this.signal, state }) as never;
  }

  async close(): Promise<void> {
    this.#controller.abort();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A line with the time of second `n`, without its newline. */
export function line(n: number, extra: Record<string, unknown> = {}): string {
  return JSON.stringify({ timestamp: isoAt(n), level: 'INFO', message: `line ${n}`, ...extra });
}

export function isoAt(n: number): string {
  return new Date(BASE / 1000 + n * 1000).toISOString().replace('.000Z', 'Z');
}

export function microsAt(n: number): number {
  return BASE + n * 1e6;
}

export interface Notes extends Run {
  readonly notes: { code: string; text: string; count: number }[];
}

export function runOf(signal: AbortSignal): Notes {
  const notes: Notes['notes'] = [];
  return { signal, notes, note: (code, text, count = 1) => void notes.push({ code, text, count }) };
}

export async function ask(source: Pick<Source, 'query'>, query: Partial<Query> = {}, run?: Run): Promise<Draft[]> {
  const drafts: Draft[] = [];
  for await (const batch of source.query?.run({ ...everything, ...query }, run ?? runOf(new AbortController().signal)) ?? [])
    drafts.push(...batch);
  return drafts;
}

export interface Seen {
  readonly lane: string;
  readonly id: string;
  readonly json: string;
}

/** A reader of `follow`: collects, and folds its position. */
export class Reader {
  readonly seen: Seen[] = [];
  readonly lost: Lost[] = [];
  position: Record<string, string> = {};
  /** Ends when the stream does. */
  done: Promise<void> = Promise.resolve();
  readonly #source: Pick<Source, 'follow'>;
  #controller = new AbortController();

  constructor(source: Pick<Source, 'follow'>) {
    this.#source = source;
  }

  async open(after: FollowRequest['after'] = 'beginning', until?: Position): Promise<this> {
    this.#controller = new AbortController();
    const following = await this.#source.follow?.open({ after, ...(until && { until }) }, this.#controller.signal);
    if (!following) throw new Error('no follow');
    this.position = { ...following.start };
    this.lost.push(...following.lost);
    this.done = this.#read(following.batches);
    return this;
  }

  /** Drops the stream, wherever it is. */
  async drop(): Promise<Position> {
    this.#controller.abort();
    await this.done;
    return { ...this.position };
  }

  async #read(batches: AsyncIterable<Batch>): Promise<void> {
    const { signal } = this.#controller;
    for await (const batch of batches) {
      if (batch.lost) this.lost.push(batch.lost);
      for (const [index, draft] of batch.entries.entries()) {
        if (signal.aborted) return;
        this.seen.push({ lane: batch.lane, id: draft.id, json: draft.json });
        this.position[batch.lane] = batch.cursorAt(index);
      }
      this.position[batch.lane] = batch.cursor;
    }
  }

  messages(): string[] {
    return this.seen.map(({ json }) => JSON.parse(json).message);
  }
}

/** Waits for an outcome; fails after ten seconds and tells what was there instead. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, state: () => unknown = () => ''): Promise<void> {
  for (let i = 0; i < 1000; i++) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${what} did not come about; ${JSON.stringify(state())}`);
}
