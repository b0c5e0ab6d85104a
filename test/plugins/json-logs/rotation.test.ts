import { appendFile, copyFile, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask, line, Reader, Stage, until } from './stage.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await Stage.open();
});
afterEach(() => stage.close());

/** mulberry32: a small generator of numbers from 0 to 1 that a seed repeats. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const there = (file: string) =>
  stat(file).then(
    () => true,
    () => false,
  );

/** Writes lines and rotates as logrotate and logging handlers do; it pauses while a file is copied and truncated. */
class Writer {
  /** Lines begun, and lines that are there for certain. */
  written = 0;
  durable = 0;
  readonly #file: string;
  readonly #next: () => number;

  constructor(file: string, next: () => number) {
    this.#file = file;
    this.#next = next;
  }

  async act(): Promise<void> {
    const dice = this.#next();
    if (dice < 0.6) await this.#write();
    else if (dice < 0.7) await this.#rotate((from, to) => rename(from, to));
    else if (dice < 0.8) await this.#rotate(copyTruncate);
    else if (dice < 0.88) await this.#compress();
    else await sleep(Math.floor(this.#next() * 60));
  }

  async #write(): Promise<void> {
    const count = 1 + Math.floor(this.#next() * 30);
    const size = Math.floor(this.#next() * 400);
    const text = Array.from({ length: count }, () => `${line(this.written++, { pad: 'x'.repeat(size) })}\n`).join('');
    // In two pieces now and then, as a writer with a buffer does.
    const cut = this.#next() < 0.3 ? Math.floor(this.#next() * text.length) : text.length;
    await appendFile(this.#file, text.slice(0, cut));
    if (cut < text.length) await sleep(5);
    await appendFile(this.#file, text.slice(cut));
    this.durable = this.written;
  }

  async #rotate(move: (from: string, to: string) => Promise<void>): Promise<void> {
    if (!(await there(this.#file)) || (await stat(this.#file)).size === 0) return;
    for (let n = 40; n >= 1; n--) {
      for (const end of ['', '.gz']) {
        const from = `${this.#file}.${n}${end}`;
        if (await there(from)) await rename(from, `${this.#file}.${n + 1}${end}`);
      }
    }
    await move(this.#file, `${this.#file}.1`);
  }

  async #compress(): Promise<void> {
    const n = 1 + Math.floor(this.#next() * 3);
    const from = `${this.#file}.${n}`;
    if (!(await there(from))) return;
    const bytes = gzipSync(await readFile(from));
    const half = Math.floor(bytes.length / 2);
    await writeFile(`${from}.gz`, bytes.subarray(0, half));
    await sleep(5);
    await appendFile(`${from}.gz`, bytes.subarray(half));
    await rm(from);
  }
}

async function copyTruncate(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  await sleep(2);
  await truncate(from);
}

/** The first ones; many when there is time (`npm run test:long`). */
function seeds(count: number): number[] {
  return Array.from({ length: process.env['CAUCE_TEST_LONG'] ? 40 : count }, (_, n) => n + 1);
}

describe('random rotation', () => {
  for (const seed of seeds(3)) {
    it(`hides no line from a query, and shows none twice (seed ${seed})`, async () => {
      const writer = new Writer(stage.path('app.json.log'), random(seed));
      const source = stage.source();
      let acting = true;
      const asking = (async () => {
        for (let asked = 0; acting || asked < 5; asked++) {
          const { durable } = writer;
          const got = (await ask(source, { order: 'oldest' })).map(({ json }) => JSON.parse(json).message);
          const known = new Set(got);
          expect(known.size).toBe(got.length);
          for (let n = 0; n < durable; n++) if (!known.has(`line ${n}`)) throw new Error(`line ${n} of ${durable} is not there`);
        }
      })();
      for (let i = 0; i < 80; i++) await writer.act();
      acting = false;
      await asking;
    });
  }

  for (const seed of seeds(5)) {
    it(`loses and repeats nothing, also when the reader is dropped (seed ${seed})`, async () => {
      const next = random(seed);
      const file = stage.path('app.json.log');
      const writer = new Writer(file, next);
      const source = stage.source({ poll: '20ms' });
      const steady = await new Reader(source).open();
      const dropped = await new Reader(stage.source({ poll: '20ms' })).open();
      for (let i = 0; i < 60; i++) {
        await writer.act();
        if (next() < 0.15) {
          const position = await dropped.drop();
          if (next() < 0.3) await writer.act();
          await dropped.open(position);
        }
      }
      const readers = { steady, dropped };
      for (const [name, reader] of Object.entries(readers)) {
        await until(
          `${name}: ${writer.written} lines`,
          () => reader.seen.length >= writer.written,
          () => missing(reader, writer.written),
        );
      }
      await sleep(200);
      await Promise.all([steady.drop(), dropped.drop()]);
      const queried = await ask(source, { order: 'oldest' });
      expect(queried.map(({ json }) => JSON.parse(json).message)).toEqual(Array.from({ length: writer.written }, (_, n) => `line ${n}`));
      const idOf = new Map(queried.map(({ json, id }) => [json, id]));
      for (const reader of Object.values(readers)) {
        expect(missing(reader, writer.written)).toEqual([]);
        expect([reader === steady, reader.lost, repeated(reader)]).toEqual([reader === steady, [], []]);
        expect(reader.lost).toEqual([]);
        expect(reader.seen.filter(({ json, id }) => idOf.get(json) !== id)).toEqual([]);
        expect(unordered(reader)).toEqual([]);
      }
    });
  }
});

function missing(reader: Reader, count: number): string[] {
  const seen = new Set(reader.messages());
  return Array.from({ length: count }, (_, n) => `line ${n}`).filter((message) => !seen.has(message));
}

function repeated(reader: Reader): string[] {
  const messages = reader.messages();
  return messages
    .filter((message, index) => messages.indexOf(message) !== index)
    .map((message) => `${message} in ${reader.seen.filter(({ json }) => JSON.parse(json).message === message).map(({ id }) => id)}`);
}

/** Lines that came before one that stands before them in the same lane. */
function unordered(reader: Reader): string[] {
  const last = new Map<string, string>();
  const wrong: string[] = [];
  for (const { lane, id } of reader.seen) {
    if (id <= (last.get(lane) ?? '')) wrong.push(id);
    last.set(lane, id);
  }
  return wrong;
}
