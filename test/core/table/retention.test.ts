import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Log, now } from '../../../core/contract/index.ts';
import { tableRetention } from '../../../core/table/retention.ts';
import { type SqliteTable, sqliteTable } from './retention-stage.ts';

const log: Log = { debug() {}, info() {}, warn() {}, error() {} };
const DAY = 86_400_000_000;
const KEEP = 30 * 86_400_000;
const { signal } = new AbortController();

let folder: string;
let rows: SqliteTable;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cauce-table-'));
  rows = sqliteTable(join(folder, 'rows.db'));
});
afterEach(async () => {
  rows.close();
  await rm(folder, { recursive: true });
});

const retention = (keep?: number) => tableRetention({ database: rows.database, table: () => rows.table, keep, log });

describe('the retention of a table', () => {
  it('keeps for ever unless it is told otherwise, without a look at the table', async () => {
    rows.insert([0]);
    expect(retention().describe()).toBe('permanent: rows are never deleted');
    expect(await retention().apply({ dryRun: false }, signal)).toEqual([]);
    expect(rows.texts).toEqual([]);
  });

  it('counts in a dry run what the real run then deletes, and leaves what is younger or has no time', async () => {
    const young = [now() - 29 * DAY, now(), now() + DAY];
    rows.insert([1, now() - 40 * DAY, null, now() - 32 * DAY, ...young]);
    const before = rows.times();
    const planned = await retention(KEEP).apply({ dryRun: true }, signal);
    expect(rows.times()).toEqual(before);
    expect(await retention(KEEP).apply({ dryRun: false }, signal)).toEqual(planned);
    expect(planned).toEqual([{ what: expect.stringMatching(/^delete rows of my "rows" before .*T00:00:00\.000000Z$/), count: 3 }]);
    expect(rows.times()).toEqual([null, ...young]);
    expect(await retention(KEEP).apply({ dryRun: false }, signal)).toEqual([]);
  });

  it('deletes in batches, however many rows are of the same time', async () => {
    rows.insert(Array.from({ length: 12_001 }, (_, number) => (number % 2 === 0 ? 5 : number)));
    rows.insert([now()]);
    expect(await retention(KEEP).apply({ dryRun: false }, signal)).toMatchObject([{ count: 12_001 }]);
    expect(rows.times()).toHaveLength(1);
    expect(rows.texts.filter((text) => text.startsWith('DELETE'))).toHaveLength(3);
  });

  it('tells what it deleted before the database refused the rest, and only the error when that was nothing', async () => {
    rows.insert(Array.from({ length: 12_000 }, (_, number) => number + 1));
    rows.refuse(5001);
    const { apply } = retention(KEEP);
    await expect(apply({ dryRun: false }, signal)).rejects.toMatchObject({ message: 'this row stays', changes: [{ count: 5000 }] });
    expect(rows.times()).toHaveLength(7000);
    await expect(apply({ dryRun: false }, signal)).rejects.not.toHaveProperty('changes');
  });

  it('stops between two batches when it is told to, with whole batches deleted', async () => {
    rows.insert(Array.from({ length: 12_000 }, () => 5));
    const controller = new AbortController();
    const stopping: Log = { ...log, debug: () => controller.abort(new Error('enough')) };
    const { apply } = tableRetention({ database: rows.database, table: () => rows.table, keep: KEEP, log: stopping });
    await expect(apply({ dryRun: false }, controller.signal)).rejects.toMatchObject({
      code: 'ERR_PARTIAL_RETENTION',
      message: 'enough',
      changes: [{ count: 5000 }],
    });
    expect(rows.times()).toHaveLength(7000);
  });
});
