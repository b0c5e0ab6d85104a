import { appendFile, rename, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { contextOf, runOf } from '../../core/conformance/stand.ts';
import type { Draft, Source } from '../../core/contract/index.ts';
import jsonLogs from '../../plugins/json-logs/index.ts';

const GENERATIONS = 30;

/** A program that logs: so many lines a second into a file, which it rotates when it is full. */
export class Logger {
  readonly path: string;
  readonly #rotateAt: number;
  #sequence = 0;

  constructor(folder: string, rotateAt: number) {
    this.path = join(folder, 'app.json.log');
    this.#rotateAt = rotateAt;
  }

  get written(): number {
    return this.#sequence;
  }

  /** Writes `count` lines of now, in pieces, at about `rate` lines a second. */
  async log(count: number, rate: number): Promise<void> {
    const piece = Math.max(1, Math.ceil(rate / 20));
    for (let left = count; left > 0; left -= piece) {
      await appendFile(this.path, this.#lines(Math.min(piece, left)));
      if ((await stat(this.path)).size > this.#rotateAt) await this.#rotate();
      await sleep(50);
    }
  }

  #lines(count: number): string {
    let text = '';
    for (let i = 0; i < count; i++) {
      const n = this.#sequence++;
      // A hundred lines share each time, and the microseconds are left out when they are zero.
      const timestamp = new Date().toISOString();
      text += `${JSON.stringify({ timestamp, level: n % 100 === 0 ? 'ERROR' : 'INFO', logger: 'calls', message: `call ${n}`, service: `line-${n % 3}`, request_id: `r-${n}`, n })}\n`;
    }
    return text;
  }

  async #rotate(): Promise<void> {
    for (let generation = GENERATIONS - 1; generation >= 1; generation--) {
      await rename(`${this.path}.${generation}`, `${this.path}.${generation + 1}`).catch(ignoreMissing);
    }
    await rename(this.path, `${this.path}.1`);
    await writeFile(this.path, '');
  }
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}

/** All entries of the files, as the agent's own source reads them: id → the line. */
export async function entriesOf(path: string): Promise<Map<string, string>> {
  const controller = new AbortController();
  const source = jsonLogs.create({
    ...contextOf(jsonLogs as never, { paths: path }, controller.signal),
    host: hostname(),
    state: undefined,
  } as never) as Source;
  const entries = new Map<string, string>();
  try {
    await source.start?.(controller.signal);
    const everything = { from: 0, to: Number.MAX_SAFE_INTEGER, order: 'newest', where: [] } as const;
    for await (const drafts of source.query?.run(everything, runOf(controller.signal)) ?? []) {
      for (const { id, json } of drafts as readonly Draft[]) entries.set(id, json);
    }
  } finally {
    controller.abort();
    await source.stop?.();
  }
  return entries;
}
