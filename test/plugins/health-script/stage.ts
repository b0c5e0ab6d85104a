import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { memoryState, runOf, silent } from '../../../core/conformance/stand.ts';
import type { Draft, KeyValue, Source } from '../../../core/contract/index.ts';
import plugin from '../../../plugins/health-script/index.ts';

export interface Body {
  readonly status: string;
  readonly checks: Record<string, string>;
  readonly details: {
    readonly script: string;
    readonly command: string[];
    readonly exit_code: number | null;
    readonly signal: string | null;
    readonly duration_ms: number;
    readonly checked_at: string;
    readonly state: string;
    readonly attempt: number;
    readonly flapping: boolean;
    readonly change_percent: number;
    readonly age_seconds: number;
    readonly messages: Record<string, string>;
    readonly perfdata?: Record<string, unknown>;
    readonly stderr: string[];
    readonly notes: string[];
    readonly reported?: Record<string, unknown>;
  };
}

type HealthSource = Source & Required<Pick<Source, 'latest' | 'receive' | 'probe' | 'stop' | 'label' | 'keep'>>;

export function bodyOf(draft: Draft | undefined): Body {
  return JSON.parse(draft?.json ?? 'null') as Body;
}

/** A temporary folder with scripts in it, and the sources around them. */
export class Stage {
  readonly folder: string;
  readonly #sources: HealthSource[] = [];
  readonly #controller = new AbortController();

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<Stage> {
    return new Stage(await mkdtemp(join(tmpdir(), 'cauce-health-')));
  }

  async close(): Promise<void> {
    this.#controller.abort();
    await Promise.all(this.#sources.map((source) => source.stop()));
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Writes an executable script; resolves to its path. */
  async script(body: string, name = 'check.sh', mode = 0o755): Promise<string> {
    const path = this.path(name);
    await writeFile(path, body.startsWith('#!') ? body : `#!/bin/sh\n${body}\n`);
    await chmod(path, mode);
    return path;
  }

  source(options: object, state: KeyValue = memoryState(), signal = this.#controller.signal): HealthSource {
    const context = { id: 'machine', host: 'test-host', options: plugin.options.parse(options), log: silent, signal, state };
    const source = plugin.create(context) as HealthSource;
    this.#sources.push(source);
    return source;
  }

  async latest(source: HealthSource, signal = this.#controller.signal): Promise<Body> {
    return bodyOf((await source.latest(runOf(signal)))[0]);
  }

  /** Runs a new script once. */
  async run(script: string, options: object = {}): Promise<Body> {
    const command = await this.script(script);
    return this.latest(this.source({ command, ...options }));
  }

  /** How many times the script noted that it ran, by `echo >> runs`. */
  async runs(): Promise<number> {
    return (await this.lines('runs')).length;
  }

  async lines(name: string): Promise<string[]> {
    const text = await readFile(this.path(name), 'utf8').catch(() => '');
    return text.split('\n').filter((line) => line !== '');
  }

  /** Waits until none of the processes whose ids the script noted in `pids` is alive, at least `count` of them. */
  async noneAlive(count: number): Promise<void> {
    await expect.poll(async () => (await this.lines('pids')).length, { timeout: 10_000, interval: 20 }).toBeGreaterThanOrEqual(count);
    const pids = (await this.lines('pids')).map(Number);
    await expect.poll(() => Promise.all(pids.map(alive)), { timeout: 10_000, interval: 20 }).toEqual(pids.map(() => false));
  }
}

/** Whether a process runs; one that has ended and waits to be collected does not. */
export async function alive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return !/^\d+ \(.*\) [ZX]/s.test(stat);
  } catch {
    return false;
  }
}
