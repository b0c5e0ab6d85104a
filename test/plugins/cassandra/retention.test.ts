import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { probeStore } from '../../../plugins/cassandra/probe.ts';
import { storeRetention } from '../../../plugins/cassandra/retention.ts';
import { type RowKept, type RowsKept, rowKeptText } from '../../../plugins/cassandra/rows-kept.ts';
import { applySchema, type Opened, openStore } from '../../../plugins/cassandra/schema.ts';
import { describeWithCassandra } from '../../cassandra/shared.ts';
import { SchemaStage, until } from './schema-stage.ts';

const DAY = 86_400;
const NO_ROWS: RowsKept = { seen: undefined, look: async () => undefined };

describe('what a row says of how long it is kept', () => {
  const keep = 30 * DAY * 1000;
  it.each<[string, RowKept | undefined, string | undefined]>([
    ['nothing while there is none', undefined, undefined],
    ['nothing while it is as it should be, give or take what clocks differ', { host: 'h', seconds: 30 * DAY + 90 }, undefined],
    ['that it lives longer', { host: 'h', seconds: 90 * DAY - 3 }, 'but the newest line, of the host h, expires 90 days after its time'],
    ['that it lives shorter', { host: '', seconds: 7 * DAY }, 'but the newest line expires 7 days after its time'],
    ['that it lives for ever', { host: 'h' }, 'but the newest line, of the host h, does not expire'],
  ])('is %s', (_what, row, text) => {
    const advice = ': set keep: 30 days in the sink of its writer as well, or mend it here';
    expect(rowKeptText(row, keep)).toBe(text && text + advice);
  });
});

describeWithCassandra('lines that expire', () => {
  let stage: SchemaStage;
  let opened: Opened;
  beforeEach(async () => {
    stage = await SchemaStage.open();
    opened = await openStore(stage.options(), { create: true, host: 'h', log: stage.log }, until());
  });
  afterEach(async () => {
    await opened.session.close();
    await stage.close();
  });
  const ttls = async () => {
    const rows = await stage.run('SELECT table_name, default_time_to_live FROM system_schema.tables WHERE keyspace_name = ?', [
      stage.keyspace,
    ]);
    return Object.fromEntries(rows.map((row) => [row['table_name'], row['default_time_to_live']]));
  };

  it('are told, and need no change, when the tables keep them for as long as the options say', async () => {
    const retention = storeRetention(stage.options(), () => opened, NO_ROWS);
    expect(retention.describe()).toBe('lines expire 90 days after their time (TTL)');
    expect(await retention.apply({ dryRun: false }, until())).toEqual([]);
  });

  it('get the time that the options say, once it is applied', async () => {
    const retention = storeRetention(stage.options({ keep: '30d' }), () => opened, NO_ROWS);
    expect(retention.describe()).toBe(
      "lines expire 30 days after their time (TTL); the table's default is 90 days, which cauce retention apply sets to 30 days",
    );
    const told = await retention.apply({ dryRun: true }, until());
    expect(told.map(({ what }) => what)).toContain(
      `let new rows of ${stage.keyspace}.application_logs expire after 30 days by default (now: 90 days)`,
    );
    expect((await ttls())['application_logs']).toBe(90 * DAY);
    expect(await retention.apply({ dryRun: false }, until())).toEqual(told);
    expect(retention.describe()).toBe('lines expire 30 days after their time (TTL)');
    expect(await ttls()).toEqual({
      application_logs: 30 * DAY,
      application_logs_by_request: 30 * DAY,
      log_hours: 30 * DAY,
      log_counts: 30 * DAY,
      log_batches: 7 * DAY,
      schema_history: 0,
    });
    expect(await retention.apply({ dryRun: false }, until())).toEqual([]);
  });

  it('are told as unknown before there is a connection', async () => {
    const retention = storeRetention(stage.options(), () => undefined, NO_ROWS);
    expect(retention.describe()).toBe('lines expire 90 days after their time (TTL); the table was not looked at yet');
    await expect(retention.apply({ dryRun: true }, until())).rejects.toThrow('no connection to Cassandra');
  });

  it('see that somebody changed the table', async () => {
    const retention = storeRetention(stage.options(), () => opened, NO_ROWS);
    await stage.alter('ALTER TABLE %.application_logs WITH default_time_to_live = 0');
    const [change] = await retention.apply({ dryRun: true }, until());
    expect(change?.what).toContain('expire after 90 days by default (now: never)');
    expect(retention.describe()).toContain("the table's default is never");
  });

  describe('as a probe sees them', () => {
    const probe = (more = {}) => probeStore(opened.session, opened.store, stage.options(more), until());

    it('names the nodes, the copies, the version and the time', async () => {
      const { client, dataCenter } = opened.session;
      const nodes = `${client.hosts.length} of ${client.hosts.length} node`;
      const { ok, detail } = await probe();
      expect(ok).toBe(true);
      expect(detail).toMatch(new RegExp(`^${nodes}s? of ${dataCenter} up, `));
      expect(detail).toContain(
        `keyspace ${stage.keyspace} with copies in ${dataCenter}: 1, schema version 1, 8 shards, lines expire after 90 days`,
      );
    });

    it('tells what differs, and how to mend it', async () => {
      expect((await probe({ keep: '30d' })).detail).toContain('keep says 30 days: mend it, or set the tables with cauce schema apply');
      await stage.alter('ALTER TABLE %.log_hours WITH gc_grace_seconds = 1');
      expect((await probe()).detail).toContain('gc_grace_seconds of log_hours; cauce schema apply sets them');
    });

    it('is not well when the shards are others or a table is gone', async () => {
      expect(await probe({ shards: 9 })).toMatchObject({ ok: false, detail: expect.stringContaining('set shards: 8') });
      await stage.alter('DROP TABLE %.log_hours');
      expect(await probe()).toMatchObject({
        ok: false,
        detail: expect.stringContaining('has no table log_hours; make it with: cauce schema'),
      });
      await applySchema(stage.session, stage.options(), { dryRun: false, host: 'h', log: stage.log }, until());
      expect(await probe()).toMatchObject({ ok: true });
    });
  });
});
