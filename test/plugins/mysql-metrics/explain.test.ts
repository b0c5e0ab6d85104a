import { afterAll, beforeAll, expect, it } from 'vitest';
import { runOf } from '../../../core/conformance/stand.ts';
import type { FieldCondition, Query } from '../../../core/contract/index.ts';
import { describeWithOwnMariaDb, type MariaDb, startOwnMariaDb } from '../../mariadb/server.ts';
import { DORA, type Opened, open } from './stage.ts';

const ROWS = 20_000;
const everything: Query = { from: 0, to: Number.MAX_SAFE_INTEGER, order: 'newest', where: [] };

describeWithOwnMariaDb('how the server goes about a query', () => {
  let db: MariaDb;
  let opened: Opened;
  beforeAll(async () => {
    db = await startOwnMariaDb();
    await db.query(DORA);
    await db.query('ALTER TABLE dora_metrics ADD COLUMN team VARCHAR(20) CHARACTER SET latin1, ADD INDEX (team)');
    await db.query(`INSERT INTO dora_metrics (cycle_id, feature_id, phase_name, decision, duration_seconds, created_at, team)
      SELECT CONCAT('C-', seq), CONCAT('F-', seq DIV 10), CONCAT('phase-', seq % 500), 'go', seq % 100, TIMESTAMPADD(SECOND, seq, '2025-01-01'),
      CONCAT('t', seq % 700) FROM seq_1_to_${ROWS}; ANALYZE TABLE dora_metrics`);
    opened = await open({ url: db.url });
  });
  afterAll(async () => {
    await opened?.close();
    await db?.remove();
  });

  /** What the server says of each statement that the query runs, with its values. */
  async function explained(query: Query): Promise<{ key: string | null; Extra: string; text: string; rows: number }[]> {
    await db.query("SET GLOBAL log_output = 'TABLE', GLOBAL general_log = OFF; TRUNCATE mysql.general_log; SET GLOBAL general_log = ON");
    for await (const _ of opened.source.query?.run(query, runOf(new AbortController().signal)) ?? []);
    await db.query('SET GLOBAL general_log = OFF');
    const log = await db.query(
      "SELECT CONVERT(argument USING utf8mb4) AS text FROM mysql.general_log WHERE command_type = 'Execute' AND argument LIKE '%dora_metrics%ORDER BY%'",
    );
    expect(log.length).toBeGreaterThan(0);
    return Promise.all(log.map(async ({ text }) => ({ ...(await db.query(`EXPLAIN ${text}`))[0], text })));
  }

  it.each<[string, FieldCondition]>([
    ['phase_name', { field: 'phase_name', op: '=', value: 'phase-3' }],
    ['phase_name', { field: 'phase_name', op: '=', value: ['phase-3', 'phase-4', "'"] }],
    ['feature_id', { field: 'feature_id', op: '=', value: 'F-77' }],
    ['feature_id', { field: 'feature_id', op: '^=', value: 'F-123' }],
    ['cycle_id', { field: 'cycle_id', op: '=', value: 'C-5' }],
    ['team', { field: 'team', op: '=', value: 't5' }],
    ['team', { field: 'team', op: '=', value: '日本' }],
    ['team', { field: 'team', op: '^=', value: 't66' }],
    ['PRIMARY', { field: 'id', op: '=', value: '77' }],
    ['PRIMARY', { field: 'id', op: '>', value: String(ROWS - 50) }],
    ['created_at', { field: 'created_at', op: '=', value: '2025-01-01T01:00:00.000000Z' }],
    ['created_at', { field: 'created_at', op: '^=', value: '2025-01-01T01:0' }],
    ['created_at', { field: 'created_at', op: '<', value: '2025-01-01T00:01' }],
  ])('finds by the index %s: %j', async (index, condition) => {
    for (const { key, text } of await explained({ ...everything, where: [condition], limit: 1000 })) expect(key, text).toBe(index);
  });

  it.each<[string, Partial<Query>]>([
    ['the newest', { limit: 100 }],
    ['the oldest', { order: 'oldest', limit: 100 }],
    ['a range', { from: Date.UTC(2025, 0, 1, 1) * 1000, to: Date.UTC(2025, 0, 1, 2) * 1000, limit: 100 }],
    ['a page', { after: { time: Date.UTC(2025, 0, 1, 3) * 1000, id: 'dora.00000000000000010800' }, limit: 100 }],
    ['a page back', { order: 'oldest', after: { time: Date.UTC(2025, 0, 1, 3) * 1000, id: 'dora.00000000000000010800' }, limit: 100 }],
  ])('reads %s in the order of the index on the time, without sorting', async (_what, part) => {
    for (const { key, Extra, text } of await explained({ ...everything, ...part })) {
      expect(key, text).toBe('created_at');
      expect(Extra, text).not.toMatch(/filesort|temporary/i);
    }
  });
});
