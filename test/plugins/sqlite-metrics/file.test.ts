import { existsSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../core/contract/index.ts';
import { openDatabase } from '../../../core/state/sqlite.ts';
import { Stage } from './stage.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await Stage.open();
});
afterEach(() => stage.close());

const BODY: JsonObject = {
  cycle_id: 'c1',
  feature_id: 'f1',
  phase_name: 'deployment',
  decision: 'go',
  duration_seconds: 12.5,
  metadata: { developer: 'ana', tags: ['a', 'b'] },
  created_at: '2025-11-07T02:00:00.000001Z',
};

describe('the file', () => {
  it('that was removed or replaced while it was open takes no rows', async () => {
    const source = await stage.started();
    expect(await source.append([BODY], stage.signal)).toMatchObject([{ status: 'added' }]);
    const other = { ...BODY, cycle_id: 'c2' };
    renameSync(stage.path, `${stage.path}.moved`);
    await expect(source.append([other], stage.signal)).rejects.toThrow('was removed or replaced');
    writeFileSync(stage.path, '');
    await expect(source.append([other], stage.signal)).rejects.toThrow('was removed or replaced');
    renameSync(`${stage.path}.moved`, stage.path);
    expect(await source.append([other], stage.signal)).toMatchObject([{ status: 'added' }]);
  });

  it('is kept for ever unless told otherwise, and what has no time is never old', async () => {
    stage.sql('CREATE TABLE m (id INTEGER PRIMARY KEY, created_at DATETIME)');
    stage.sql(
      "INSERT INTO m (created_at) VALUES (unixepoch()), ('11/25/2026 01:00'), (NULL), ('2020-02-30 00:00:00.000000'), ('2020-01-01 00:00:00.000000')",
    );
    const source = await stage.started({ table: 'm', keep: '30d' });
    const planned = await source.retention?.apply({ dryRun: true }, stage.signal);
    expect(planned).toMatchObject([{ count: 1 }]);
    expect(await source.retention?.apply({ dryRun: false }, stage.signal)).toEqual(planned);
    expect(await source.retention?.apply({ dryRun: true }, stage.signal)).toEqual([]);
  });

  it('lets others have their turn while a table is read whole', async () => {
    const source = await stage.started();
    const time = (n: number) => new Date(Date.UTC(2025, 0, 1) + n * 1000).toISOString().slice(0, 23).replace('T', ' ');
    const rows = Array.from({ length: 40_000 }, (_, n) => [`c${n}`, `${time(n)}000`]);
    stage.sql(
      "INSERT INTO dora_metrics (cycle_id, feature_id, phase_name, decision, created_at) VALUES (?, 'f', 'testing', 'go', ?)",
      ...rows,
    );
    let turns = 0;
    const count = setInterval(() => turns++, 0);
    expect(await stage.all(source)).toHaveLength(40_000);
    clearInterval(count);
    expect(turns).toBeGreaterThanOrEqual(3);
    const query = { from: 0, to: Number.MAX_SAFE_INTEGER, where: [], by: ['phase_name'] };
    expect(await source.stats?.plan({ ...query, measures: [{ fn: 'sum', field: 'duration_seconds' }] })).toBe(true);
    expect(await source.stats?.plan({ ...query, measures: [{ fn: 'p95', field: 'duration_seconds' }] })).toBe(false);
  });

  it('is made for this user only, with its table and the indexes', async () => {
    const path = join(stage.folder, 'new', 'metrics.db');
    const source = await stage.started({ path });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(stage.folder, 'new')).mode & 0o777).toBe(0o700);
    expect(await stage.bodies(source)).toEqual([]);
    const [added] = await source.append([BODY], stage.signal);
    expect(added).toMatchObject({ status: 'added' });
    const [row] = await stage.all(source);
    expect(row?.json).toBe(
      '{"id":1,"cycle_id":"c1","feature_id":"f1","phase_name":"deployment","decision":"go","duration_seconds":12.50,' +
        '"metadata":{"developer":"ana","tags":["a","b"]},"created_at":"2025-11-07T02:00:00.000001Z"}',
    );
    expect(await source.probe(stage.signal)).toMatchObject({ ok: true, newest: Date.UTC(2025, 10, 7, 2) * 1000 + 1 });
    expect(await source.schema.apply({ dryRun: true }, stage.signal)).toEqual([]);
  });

  it('keeps what was written when it is opened again, also by two at a time', async () => {
    const [one, two] = [await stage.started(), await stage.started()];
    await one.append([BODY], stage.signal);
    expect(await stage.bodies(two)).toMatchObject([{ cycle_id: 'c1' }]);
    expect(await two.append([BODY], stage.signal)).toMatchObject([{ status: 'present' }]);
    await two.stop();
    await one.stop();
    expect(statSync(`${stage.path}-wal`, { throwIfNoEntry: false })?.size ?? 0, 'all is in the file itself').toBe(0);
    expect(await stage.bodies(await stage.started())).toHaveLength(1);
  });

  it('is written to by two sources at once without a loss', async () => {
    const [one, two] = [await stage.started(), await stage.started()];
    const body = (n: number) => ({ ...BODY, cycle_id: `c${n}` });
    await Promise.all(Array.from({ length: 40 }, (_, n) => (n % 2 ? one : two).append([body(n)], stage.signal)));
    expect(new Set((await stage.bodies(one)).map(({ cycle_id }) => cycle_id)).size).toBe(40);
  });

  it('does not show what is not committed', async () => {
    const source = await stage.started();
    const other = openDatabase(stage.path);
    other.exec(`BEGIN IMMEDIATE; INSERT INTO dora_metrics (cycle_id, feature_id, phase_name, decision, created_at)
      VALUES ('c', 'f', 'p', 'go', '2025-11-07 02:00:00.000000')`);
    expect(await stage.bodies(source)).toEqual([]);
    const appending = source.append([BODY], stage.signal);
    other.exec('COMMIT');
    other.close();
    expect(await appending).toMatchObject([{ status: 'added' }]);
    expect(await stage.bodies(source)).toHaveLength(2);
  });

  it('stops waiting for another writer when it is told to', async () => {
    const source = await stage.started();
    const other = openDatabase(stage.path);
    other.exec('BEGIN IMMEDIATE');
    await expect(source.append([BODY], AbortSignal.timeout(50))).rejects.toThrow();
    other.exec('ROLLBACK');
    other.close();
    expect(await source.append([BODY], stage.signal)).toMatchObject([{ status: 'added' }]);
  });

  it('is waited for while another program has it for itself alone', async () => {
    stage.sql(
      "PRAGMA journal_mode = DELETE; CREATE TABLE t (id INTEGER PRIMARY KEY, created_at TEXT); INSERT INTO t VALUES (1, '2025-11-07 02:00:00.000000')",
    );
    const source = await stage.started({ table: 't' });
    const other = openDatabase(stage.path);
    other.exec('BEGIN EXCLUSIVE; INSERT INTO t SELECT 2, created_at FROM t');
    const reading = stage.bodies(source);
    await expect(Promise.race([reading, new Promise((resolve) => setTimeout(resolve, 50, 'waits'))])).resolves.toBe('waits');
    other.exec('COMMIT');
    other.close();
    expect(await reading).toHaveLength(2);
  });

  it('that is no database is told by its path, with what to do', async () => {
    await writeFile(stage.path, 'x'.repeat(5000));
    await expect(stage.started()).rejects.toThrow(/metrics\.db: it is no SQLite database; name another file as path/);
  });

  it('of somebody else stays in its mode', async () => {
    stage.sql('PRAGMA journal_mode = DELETE; CREATE TABLE theirs (id INTEGER PRIMARY KEY, at TEXT)');
    await stage.started({ table: 'theirs', time_column: 'at' });
    const database = openDatabase(stage.path);
    expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'delete' });
    database.close();
  });

  it('refuses to answer before it is started', async () => {
    const source = stage.source();
    await expect(stage.all(source)).rejects.toThrow(/is not open; the source was not started/);
    expect(await source.probe(stage.signal)).toMatchObject({ ok: false });
  });
});

describe('schema apply', () => {
  it('does what its dry run lists, on an instance that was not started', async () => {
    const source = stage.source();
    const planned = await source.schema.apply({ dryRun: true }, stage.signal);
    expect(existsSync(stage.path)).toBe(false);
    expect(planned.map(({ what }) => what)).toEqual([
      'create the table dora_metrics',
      'add the index idx_dora_metrics_created_at on created_at to dora_metrics',
      'add the index idx_dora_metrics_phase_name on phase_name, created_at to dora_metrics',
      'add the index idx_dora_metrics_feature_id on feature_id, created_at to dora_metrics',
      'add the index idx_dora_metrics_cycle_id on cycle_id, created_at to dora_metrics',
    ]);
    expect(await source.schema.apply({ dryRun: false }, stage.signal)).toEqual(planned);
    expect(await source.schema.apply({ dryRun: false }, stage.signal)).toEqual([]);
  });

  it('adds an index that is missing, and the probe names it until then', async () => {
    await stage.source().schema.apply({ dryRun: false }, stage.signal);
    stage.sql('DROP INDEX idx_dora_metrics_phase_name');
    const source = await stage.started();
    expect((await source.probe(stage.signal)).detail).toContain('no index begins with phase_name: add them with cauce schema apply');
    const planned = await source.schema.apply({ dryRun: true }, stage.signal);
    expect(planned).toEqual([{ what: 'add the index idx_dora_metrics_phase_name on phase_name, created_at to dora_metrics', count: 1 }]);
    expect(await source.schema.apply({ dryRun: false }, stage.signal)).toEqual(planned);
    expect((await source.probe(stage.signal)).detail).not.toContain('index');
  });
});
