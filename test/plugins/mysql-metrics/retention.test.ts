import { afterAll, beforeAll, expect, it } from 'vitest';
import type { JsonObject, KeyValue, Log, Source } from '../../../core/contract/index.ts';
import plugin from '../../../plugins/mysql-metrics/index.ts';
import { describeWithMariaDb, type MariaDb, startMariaDb } from '../../mariadb/server.ts';

const log: Log = { debug() {}, info() {}, warn() {}, error() {} };
const state: KeyValue = { get: async () => undefined, set: async () => undefined, delete: async () => undefined };
const ended = new AbortController();

describeWithMariaDb('the retention of a MySQL table', () => {
  let server: MariaDb;
  beforeAll(async () => {
    server = await startMariaDb();
    await server.query(
      'CREATE TABLE events (id BIGINT AUTO_INCREMENT PRIMARY KEY, note VARCHAR(20) NULL, created_at DATETIME(6) NULL, KEY (created_at)) ENGINE=InnoDB',
    );
  });
  afterAll(async () => {
    ended.abort();
    await server?.remove();
  });

  const sourceOf = (more: JsonObject) => {
    const options = plugin.options.parse({ url: server.url, table: 'events', ...more });
    return plugin.create({ id: 'events', host: 'h', options, log, signal: ended.signal, state }) as Source;
  };

  it('is permanent unless it is told otherwise; then a dry run counts what the real run deletes, in batches', async () => {
    const ago = (n: number) => (n % 3 === 0 ? '' : ` - INTERVAL 40 DAY - INTERVAL ${n} SECOND`);
    const rows = Array.from({ length: 9000 }, (_, n) => `(${n}, UTC_TIMESTAMP(6)${ago(n)})`);
    await server.query(`INSERT INTO events (note, created_at) VALUES ${rows.join(', ')}`);
    await server.query("INSERT INTO events (note, created_at) VALUES ('timeless', NULL)");
    const count = async (where: string) => Number((await server.query(`SELECT COUNT(*) AS n FROM events WHERE ${where}`))[0].n);
    const forever = sourceOf({});
    const limited = sourceOf({ keep: '30d' });
    for (const source of [forever, limited]) await source.start?.(ended.signal);
    expect(forever.retention?.describe()).toBe('permanent: rows are never deleted');
    expect(await forever.retention?.apply({ dryRun: false }, ended.signal)).toEqual([]);

    const planned = await limited.retention?.apply({ dryRun: true }, ended.signal);
    expect(await count('TRUE')).toBe(9001);
    expect(await limited.retention?.apply({ dryRun: false }, ended.signal)).toEqual(planned);
    expect(planned).toEqual([{ what: expect.stringContaining('delete rows of events before '), count: 6000 }]);
    expect(await count('TRUE')).toBe(3001);
    expect(await count('created_at < UTC_TIMESTAMP() - INTERVAL 31 DAY')).toBe(0);
    expect(await count("note = 'timeless'")).toBe(1);
    for (const source of [forever, limited]) await source.stop?.();
  });

  it('has nothing to ask a database that is down when it is permanent', async () => {
    const down = sourceOf({ url: 'mysql://root@127.0.0.1:1/away' });
    expect(await down.retention?.apply({ dryRun: false }, ended.signal)).toEqual([]);
    await down.stop?.();
  });
});
