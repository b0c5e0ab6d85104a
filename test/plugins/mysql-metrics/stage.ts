import { setTimeout as sleep } from 'node:timers/promises';
import { memoryState } from '../../../core/conformance/stand.ts';
import type { Log, Source } from '../../../core/contract/index.ts';
import plugin from '../../../plugins/mysql-metrics/index.ts';
import type { MariaDb } from '../../mariadb/server.ts';

/** The table of the specification, as `schema apply` makes it. */
export const DORA = `CREATE TABLE dora_metrics (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, cycle_id VARCHAR(50) NOT NULL, feature_id VARCHAR(50) NOT NULL,
  phase_name VARCHAR(50) NOT NULL, decision VARCHAR(20) NOT NULL, duration_seconds DECIMAL(10,2) NULL,
  metadata JSON NOT NULL DEFAULT (JSON_OBJECT()), created_at DATETIME(6) NOT NULL,
  INDEX (created_at), INDEX (phase_name), INDEX (feature_id), INDEX (cycle_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4`;

/** Adds rows, a second apart, the newest of them now. */
export async function addRows(db: MariaDb, count: number, table = 'dora_metrics'): Promise<void> {
  const now = Date.now();
  const rows = Array.from({ length: count }, (_, index) => [
    `C-${index % 7}`,
    `F-${index % 3}`,
    ['planning', 'development', 'testing', 'deployment'][index % 4],
    index % 5 === 0 ? 'no-go' : 'go',
    `${index}.50`,
    JSON.stringify({ developer: `dev${index % 4}`, tags: ['a', `t${index % 2}`] }),
    new Date(now - (count - index) * 1000).toISOString().slice(0, 23).replace('T', ' '),
  ]);
  await db.query(`INSERT INTO ${table} (cycle_id, feature_id, phase_name, decision, duration_seconds, metadata, created_at) VALUES ?`, [
    rows,
  ]);
}

export interface Opened {
  readonly source: Source;
  /** What it logged, a line each. */
  readonly logged: string[];
  close(): Promise<void>;
}

/** An instance of the plugin, started unless it is asked not to be. */
export async function open(options: Record<string, unknown>, start = true, id = 'dora'): Promise<Opened> {
  const controller = new AbortController();
  const logged: string[] = [];
  const note = (text: string, fields?: unknown) => void logged.push(`${text} ${JSON.stringify(fields ?? {})}`);
  const log: Log = { debug: note, info: note, warn: note, error: note };
  const context = { id, host: 'here', options: plugin.options.parse(options), log, state: memoryState(), signal: controller.signal };
  const source: Source = plugin.create(context);
  if (start) await source.start?.(controller.signal);
  return {
    source,
    logged,
    async close() {
      controller.abort();
      await source.stop?.();
    },
  };
}

/** The newest rows, as a query answers them. */
// biome-ignore lint/suspicious/noExplicitAny: the shape of a row is what the tests assert
export async function newest(source: Source, limit = 1000, signal = new AbortController().signal): Promise<any[]> {
  const query = { from: 0, to: Number.MAX_SAFE_INTEGER, order: 'newest' as const, where: [], limit };
  await source.query?.plan?.(query);
  const rows: unknown[] = [];
  for await (const drafts of source.query?.run(query, { signal, note: () => undefined }) ?? []) {
    for (const { json } of drafts) rows.push(JSON.parse(json));
  }
  return rows;
}

/** Waits until a statement of others than the asking one runs on the server, or none does any more. */
export async function untilRunning(db: MariaDb, like: string, wanted: boolean): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    const rows = await db.query('SELECT INFO FROM information_schema.PROCESSLIST WHERE INFO LIKE ? AND ID <> CONNECTION_ID()', [like]);
    if (rows.length > 0 === wanted) return;
    await sleep(25);
  }
  throw new Error(`statements like ${like} were ${wanted ? 'never' : 'still'} running`);
}
