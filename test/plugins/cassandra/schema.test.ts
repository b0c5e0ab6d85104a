import { afterEach, beforeEach, expect, it } from 'vitest';
import { PermanentError, RetryableError } from '../../../core/contract/index.ts';
import { createKeyspace, createTable } from '../../../plugins/cassandra/ddl.ts';
import { applySchema, openStore, readSchema, SchemaMissing } from '../../../plugins/cassandra/schema.ts';
import { TABLES } from '../../../plugins/cassandra/tables.ts';
import { describeWithCassandra } from '../../cassandra/shared.ts';
import { SchemaStage, until } from './schema-stage.ts';

const KEEP = 90 * 86_400;

describeWithCassandra('the schema of a log store', () => {
  let stage: SchemaStage;
  beforeEach(async () => {
    stage = await SchemaStage.open();
  });
  afterEach(() => stage.close());

  const apply = (more = {}, dryRun = false) =>
    applySchema(stage.session, stage.options(more), { dryRun, host: 'host-1', log: stage.log }, until());
  const open = (create: boolean, more = {}) =>
    openStore(stage.options(more), { create, host: 'host-1', log: stage.log, source: 'cassandra' }, until());
  const openedStore = async (create: boolean, more = {}) => {
    const { session, store } = await open(create, more);
    await session.close();
    return store;
  };
  const keyspaces = () => stage.run('SELECT * FROM system_schema.keyspaces WHERE keyspace_name = ?', [stage.keyspace]);
  const table = async (name: string) => {
    const [row] = await stage.run('SELECT * FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?', [stage.keyspace, name]);
    return row ?? {};
  };
  const keyspaceOnly = () => stage.alter(createKeyspace(stage.keyspace, { [stage.session.dataCenter]: 1 }));

  it('is told by a dry run as the run after it makes it, and is then complete', async () => {
    const told = await apply({}, true);
    expect(await keyspaces()).toEqual([]);
    const done = await apply();
    expect(done).toEqual(told);
    expect(done.map(({ what }) => what)).toContain(`create the table ${stage.keyspace}.application_logs`);
    expect(done.at(-1)?.what).toBe(`record version 1 of the schema of ${stage.keyspace}, with 8 shards`);
    expect(await apply()).toEqual([]);
    expect(await apply({}, true)).toEqual([]);
    expect(await readSchema(stage.session, stage.keyspace, until())).toEqual({ keyspace: stage.keyspace, shards: 8, keep: KEEP });
    const [row] = await stage.run("SELECT * FROM %.schema_history WHERE component = 'logs'");
    expect(row).toMatchObject({ version: 1, applied_by: 'host-1', settings: { shards: '8' } });
    expect(stage.warnings).toEqual([]);
  });

  it('makes tables that expire by themselves, in few files', async () => {
    await apply();
    expect(await table('application_logs')).toMatchObject({
      default_time_to_live: KEEP,
      gc_grace_seconds: 86_400,
      compaction: { compaction_window_unit: 'DAYS', compaction_window_size: '3' },
      compression: { class: 'org.apache.cassandra.io.compress.ZstdCompressor', chunk_length_in_kb: '64' },
    });
    expect(await table('log_batches')).toMatchObject({
      default_time_to_live: 7 * 86_400,
      compaction: { compaction_window_unit: 'HOURS', compaction_window_size: '6' },
    });
    expect(await table('schema_history')).toMatchObject({ default_time_to_live: 0 });
  });

  it('finds lines by their level as it is written', async () => {
    await apply();
    for (const [id, level] of [
      ['a', 'ERROR'],
      ['b', 'error'],
    ])
      await stage.run("INSERT INTO %.application_logs (service, hour, shard, time, id, level) VALUES ('s', 0, 0, 1, ?, ?)", [id, level]);
    expect(await stage.run("SELECT id FROM %.application_logs WHERE level = 'ERROR'")).toMatchObject([{ id: 'a' }]);
  });

  it('is made once by two agents at the same time', async () => {
    const told = await apply({}, true);
    const both = (await Promise.all([apply(), apply()])).flat().map(({ what }) => what);
    // CREATE INDEX IF NOT EXISTS does not tell whether it did.
    const once = both.filter((what) => !what.startsWith('add the index'));
    expect([...new Set(both)].sort()).toEqual(told.map(({ what }) => what).sort());
    expect(once).toEqual([...new Set(once)]);
    expect(await stage.run('SELECT version FROM %.schema_history')).toHaveLength(1);
    expect(await apply()).toEqual([]);
  });

  it('keeps the shards of whichever agent was first, and tells the other', async () => {
    const wanted = [4, 16];
    const results = await Promise.allSettled(wanted.map((shards) => apply({ shards })));
    const winner = results.findIndex(({ status }) => status === 'fulfilled');
    const [won, lost] = [wanted[winner], wanted[1 - winner]];
    expect(await openedStore(false)).toMatchObject({ shards: won });
    const { reason } = results[1 - winner] as PromiseRejectedResult;
    expect(reason).toBeInstanceOf(PermanentError);
    expect(reason.message).toContain(`in ${won} shards for ever, and the option shards says ${lost}: set shards: ${won}`);
    await expect(open(true, { shards: lost })).rejects.toThrow(`set shards: ${won}`);
    await expect(apply({ shards: lost }, true)).rejects.toThrow(`set shards: ${won}`);
  });

  it.each([0, 1, 3, TABLES.length])('is completed when whoever made it was killed after %i tables', async (count) => {
    const told = await apply({}, true);
    await keyspaceOnly();
    for (const shape of TABLES.slice(0, count)) await stage.alter(createTable(stage.keyspace, shape, KEEP));
    await expect(open(false)).rejects.toThrow('cauce schema apply --source cassandra');
    expect(await apply()).toEqual(told.slice(1 + count));
    expect(await openedStore(false)).toEqual({ keyspace: stage.keyspace, shards: 8, keep: KEEP });
  });

  it('is left by a run that is broken off so that the next one completes it', async () => {
    const broken = new AbortController();
    const applying = applySchema(stage.session, stage.options(), { dryRun: false, host: 'h', log: stage.log }, broken.signal);
    const outcome = expect(applying).rejects.toThrow();
    while ((await table('application_logs'))['id'] === undefined);
    broken.abort();
    await outcome;
    expect(await openedStore(true)).toMatchObject({ shards: 8 });
    expect(await apply()).toEqual([]);
  });

  it('is missing until it is made, and an agent that may make it does', async () => {
    await expect(open(false)).rejects.toThrow(SchemaMissing);
    await expect(open(false)).rejects.toThrow(
      `there is no keyspace ${stage.keyspace}; make it with: cauce schema apply --source cassandra`,
    );
    expect(await openedStore(true, { shards: 2, keep: '7d' })).toEqual({ keyspace: stage.keyspace, shards: 2, keep: 7 * 86_400 });
  });

  it('is refused when a newer agent made it', async () => {
    await apply();
    await stage.run("INSERT INTO %.schema_history (component, version) VALUES ('logs', 2)");
    for (const attempt of [() => open(true), () => apply(), () => readSchema(stage.session, stage.keyspace, until())]) {
      const error = await attempt().catch((thrown) => thrown);
      expect(error).toBeInstanceOf(PermanentError);
      expect(error.message).toContain('is of version 2, and this agent knows it up to version 1: update the agent');
    }
  });

  it('is not made with more copies than there are nodes, nor where there are none', async () => {
    const nodes = stage.session.client.hosts.length;
    const dc = stage.session.dataCenter;
    const error = await open(true, { replication: nodes + 1 }).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(RetryableError);
    expect(error.message).toContain(`too few for ${nodes + 1} copies of each line; set replication: ${nodes}, or add nodes`);
    await expect(apply({ replication: { [dc]: 1, "o'dc": 1 } })).rejects.toThrow(
      `no node of the data centre o'dc is known; there are: ${dc}`,
    );
    await expect(apply({ replication: { elsewhere: 1 } })).rejects.toThrow(`this agent talks to ${dc}; add it there`);
    expect(await keyspaces()).toEqual([]);
  });

  it('takes a keyspace of other replication, and says so', async () => {
    await stage.alter("CREATE KEYSPACE % WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
    await openedStore(true, { replication: 3 });
    const [first] = stage.warnings;
    expect(first?.text).toContain(`ALTER KEYSPACE ${stage.keyspace}`);
    expect(first?.fields).toEqual({ is: 'SimpleStrategy replication_factor: 1', wanted: `${stage.session.dataCenter}: 3` });
  });
});
