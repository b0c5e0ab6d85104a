import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PermanentError } from '../../../core/contract/index.ts';
import { createKeyspace, createTable, windowOf } from '../../../plugins/cassandra/ddl.ts';
import { applySchema, openStore } from '../../../plugins/cassandra/schema.ts';
import { LOGS, TABLES, type TableShape } from '../../../plugins/cassandra/tables.ts';
import { describeWithCassandra } from '../../cassandra/shared.ts';
import { SchemaStage, until } from './schema-stage.ts';

const DAY = 86_400;

describeWithCassandra('tables that are other than they should be', () => {
  let stage: SchemaStage;
  beforeEach(async () => {
    stage = await SchemaStage.open();
  });
  afterEach(() => stage.close());

  const apply = (more = {}, dryRun = false) =>
    applySchema(stage.session, stage.options(more), { dryRun, host: 'host-1', log: stage.log }, until());
  const keyspaceOnly = () => stage.alter(createKeyspace(stage.keyspace, { [stage.session.dataCenter]: 1 }));
  const logs = TABLES.find(({ name }) => name === LOGS) as TableShape;
  const make = (shape: TableShape) => stage.alter(createTable(stage.keyspace, shape, 90 * DAY));
  const refused = async () => {
    const errors = [];
    for (const dryRun of [true, false]) errors.push(await apply({}, dryRun).catch((thrown) => thrown));
    const opening = openStore(stage.options(), { create: true, host: 'host-1', log: stage.log }, until());
    errors.push(await opening.catch((thrown) => thrown));
    for (const error of errors) expect(error).toBeInstanceOf(PermanentError);
    expect(new Set(errors.map(({ message }) => message)).size).toBe(1);
    return errors[0].message as string;
  };

  it('are altered where nothing is lost by it', async () => {
    await apply();
    await stage.alter('ALTER TABLE %.application_logs WITH default_time_to_live = 100 AND gc_grace_seconds = 5');
    await stage.alter("ALTER TABLE %.log_hours WITH compaction = {'class': 'UnifiedCompactionStrategy'}");
    await stage.alter('ALTER TABLE %.log_counts DROP touched');
    await stage.alter('DROP INDEX %.application_logs_level');
    const told = await apply({}, true);
    const name = (table: string) => `${stage.keyspace}.${table}`;
    expect(told.map(({ what }) => what)).toEqual([
      `add the column touched to ${name('log_counts')}`,
      `set default_time_to_live of ${name('application_logs')} from 100 to 7776000`,
      `set gc_grace_seconds of ${name('application_logs')} from 5 to 86400`,
      `set compaction of ${name('log_hours')} from UnifiedCompactionStrategy to TimeWindowCompactionStrategy with windows of 3 DAYS`,
      `add the index application_logs_level on level to ${name('application_logs')}`,
    ]);
    expect(await apply()).toEqual(told);
    expect(await apply()).toEqual([]);
  });

  it('have an index that answers as soon as it was added to lines that are there', async () => {
    await apply();
    await stage.alter('DROP INDEX %.application_logs_level');
    const query = `INSERT INTO ${stage.keyspace}.application_logs (service, hour, shard, time, id, level) VALUES ('s', 0, ?, ?, 'i', 'INFO')`;
    for (let shard = 0; shard < 100; shard++) {
      await stage.session.batch(Array.from({ length: 100 }, (_, time) => ({ query, params: [shard, BigInt(time)] })));
    }
    expect((await apply()).map(({ what }) => what)).toEqual([expect.stringContaining('add the index')]);
    expect(await stage.run("SELECT id FROM %.application_logs WHERE level = 'INFO' LIMIT 3")).toHaveLength(3);
  });

  it('are used as they are when only their options differ, with one warning', async () => {
    await apply();
    const opened = await openStore(stage.options({ keep: '30d' }), { create: true, host: 'h', log: stage.log }, until());
    await opened.session.close();
    expect(opened.store.keep).toBe(90 * DAY);
    expect(stage.warnings).toHaveLength(1);
    expect(stage.warnings[0]?.fields?.['differences']).toContain(
      'default_time_to_live of application_logs is 7776000, and should be 2592000',
    );
  });

  it('are refused when one is the table of the first system', async () => {
    await keyspaceOnly();
    await stage.alter(
      'CREATE TABLE %.application_logs (log_date date, timestamp timestamp, message text, PRIMARY KEY ((log_date), timestamp))',
    );
    const message = await refused();
    expect(message).toContain(`${stage.keyspace}.application_logs is the table of the first system`);
    expect(message).toContain('set keyspace to another name');
    const tables = await stage.run('SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?', [stage.keyspace]);
    expect(tables).toHaveLength(1);
  });

  it('are refused when a key is another one, also in its order only', async () => {
    await keyspaceOnly();
    await make({ ...logs, columns: logs.columns.map((one) => (one.name === 'time' ? { ...one, part: 'ascending' } : one)) });
    expect(await refused()).toContain(
      `${stage.keyspace}.application_logs has PRIMARY KEY ((service, hour, shard), time, id DESC) and should have PRIMARY KEY ((service, hour, shard), time DESC, id DESC); this cannot be altered`,
    );
  });

  it('are refused when a column is of another type', async () => {
    await keyspaceOnly();
    await make({ ...logs, columns: logs.columns.map((one) => (one.name === 'time' ? { ...one, type: 'timestamp' } : one)) });
    expect(await refused()).toContain('application_logs has time of type timestamp, which should be bigint');
  });
});

describe('the windows of compaction', () => {
  it('are about 30 in the time that lines are kept', () => {
    expect(windowOf(90 * DAY)).toBe(72);
    for (const days of [1, 7, 31, 90, 365, 7300]) {
      const windows = (days * 24) / windowOf(days * DAY);
      expect(windows).toBeGreaterThan(20);
      expect(windows).toBeLessThanOrEqual(30);
    }
    expect(windowOf(3600)).toBe(1);
  });
});

describe('a keyspace', () => {
  it('is made with the names of data centres as they are', () => {
    expect(createKeyspace('logging', { dc1: 3, "o'dc": 2 })).toBe(
      "CREATE KEYSPACE logging WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': 3, 'o''dc': 2}",
    );
  });
});
