import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contextOf, memoryState, runOf } from '../../../core/conformance/stand.ts';
import type { Condition, Draft, JsonObject, Log, Query, Source } from '../../../core/contract/index.ts';
import { openDatabase } from '../../../core/state/sqlite.ts';
import plugin from '../../../plugins/sqlite-metrics/index.ts';

export const everything: Query = { from: 0, to: Number.MAX_SAFE_INTEGER, order: 'newest', where: [] };

export type SqliteSource = Source & Required<Pick<Source, 'start' | 'stop' | 'query' | 'follow' | 'probe' | 'schema' | 'append'>>;

/** A folder with a file, made by SQL as another program would make it, and sources that read it. */
export class Stage {
  readonly folder: string;
  readonly log: string[] = [];
  readonly #controller = new AbortController();
  readonly #sources: Source[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<Stage> {
    return new Stage(await mkdtemp(join(tmpdir(), 'cauce-sqlite-')));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get path(): string {
    return join(this.folder, 'metrics.db');
  }

  sql(text: string, ...lists: readonly (readonly (null | number | bigint | string | Uint8Array)[])[]): void {
    const database = openDatabase(this.path);
    try {
      database.exec('PRAGMA busy_timeout = 5000');
      if (lists.length === 0) database.exec(text);
      else {
        database.exec('BEGIN IMMEDIATE');
        const statement = database.prepare(text);
        for (const values of lists) statement.run(...values);
        database.exec('COMMIT');
      }
    } finally {
      database.close();
    }
  }

  /** Not started. */
  source(options: JsonObject = {}): SqliteSource {
    const tell = (level: string) => (text: string, fields?: JsonObject) =>
      void this.log.push(`${level} ${text} ${JSON.stringify(fields ?? {})}`);
    const log: Log = { debug: tell('debug'), info: tell('info'), warn: tell('warn'), error: tell('error') };
    const context = contextOf(plugin as never, { path: this.path, every: '20ms', ...options }, this.signal);
    const source = plugin.create({ ...context, id: 'dora', log, state: memoryState() } as never) as SqliteSource;
    this.#sources.push(source);
    return source;
  }

  async started(options: JsonObject = {}): Promise<SqliteSource> {
    const source = this.source(options);
    await source.start(this.signal);
    return source;
  }

  async all(source: Source, query: Partial<Query> = {}): Promise<Draft[]> {
    const drafts: Draft[] = [];
    for await (const batch of source.query?.run({ ...everything, ...query }, runOf(this.signal)) ?? []) drafts.push(...batch);
    return drafts;
  }

  async bodies(source: Source, where: readonly Condition[] = []): Promise<JsonObject[]> {
    return (await this.all(source, { where })).map(({ json }) => JSON.parse(json) as JsonObject);
  }

  async close(): Promise<void> {
    this.#controller.abort();
    for (const source of this.#sources) await source.stop?.();
    await rm(this.folder, { recursive: true, force: true });
  }
}
