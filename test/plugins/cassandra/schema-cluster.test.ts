import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RetryableError } from '../../../core/contract/index.ts';
import { probeStore } from '../../../plugins/cassandra/probe.ts';
import { applySchema, openStore } from '../../../plugins/cassandra/schema.ts';
import type { Session } from '../../../plugins/cassandra/session.ts';
import { TABLES } from '../../../plugins/cassandra/tables.ts';
import { type Cluster, startCluster } from '../../cassandra/cluster.ts';
import { describeWithOwnCassandra } from '../../cassandra/shared.ts';
import { SchemaStage, until } from './schema-stage.ts';

const ADMIN = { user: 'cassandra', password: 'cassandra' };
const MINUTE = 60_000;

describeWithOwnCassandra('the schema of three nodes with logins', { timeout: 5 * MINUTE }, () => {
  let cluster: Cluster;
  const stages: SchemaStage[] = [];
  beforeAll(async () => {
    cluster = await startCluster(3, { auth: true, heap: '512m' });
  }, 5 * MINUTE);
  afterAll(async () => {
    for (const stage of stages) await stage.session.close();
    await cluster?.remove();
  });

  const stageAt = async (...nodes: readonly number[]) => {
    const stage = await SchemaStage.open({ hosts: nodes.map((node) => cluster.hosts[node] as string), port: cluster.port, ...ADMIN });
    stages.push(stage);
    return stage;
  };
  const apply = (stage: SchemaStage, session: Session, more = {}) =>
    applySchema(session, stage.options({ replication: 3, ...more }), { dryRun: false, host: 'h', log: stage.log }, until());
  const open = (stage: SchemaStage, more = {}) =>
    openStore(stage.options({ replication: 3, ...more }), { create: true, host: 'h', log: stage.log }, until());

  it('is made once by agents at each of them, and is the same at all', async () => {
    const [stage, ...others] = await Promise.all([stageAt(0), stageAt(1), stageAt(2)]);
    if (!stage) throw new Error('no stage');
    const sessions = [stage, ...others].map(({ session }) => session);
    const changes = (await Promise.all(sessions.map((session) => apply(stage, session)))).flat().map(({ what }) => what);
    expect(changes.filter((what) => what.startsWith('create the table'))).toHaveLength(TABLES.length);
    expect(changes.filter((what) => what.startsWith('record version'))).toHaveLength(1);
    const query = 'SELECT table_name, id FROM system_schema.tables WHERE keyspace_name = ?';
    const seen = new Set<string>();
    for (const host of stage.session.client.hosts.values()) {
      const { rows } = await stage.session.execute({ query, params: [stage.keyspace] }, until(), { host });
      expect(rows).toHaveLength(TABLES.length);
      seen.add(JSON.stringify(rows.map((row) => [row['table_name'], String(row['id'])])));
    }
    expect(seen.size).toBe(1);
  });

  it('is read by a user who may only read, and made by one who may create', async () => {
    const stage = await stageAt(0, 1, 2);
    await stage.run("CREATE ROLE IF NOT EXISTS poor WITH PASSWORD = 'poor' AND LOGIN = true");
    const poor = { user: 'poor', password: 'poor' };
    const refused = await open(stage, poor).catch((thrown) => thrown);
    expect(refused).toBeInstanceOf(RetryableError);
    expect(refused.message).toContain(`could not create the keyspace ${stage.keyspace}`);
    expect(refused.message).toContain('no CREATE permission');

    await apply(stage, stage.session);
    await stage.run('GRANT SELECT ON KEYSPACE % TO poor');
    // What a user may do is cached by the nodes for a moment.
    let opened = await open(stage, poor).catch((thrown) => thrown);
    while (opened instanceof RetryableError) {
      await sleep(500);
      opened = await open(stage, poor).catch((thrown) => thrown);
    }
    expect(opened.store).toMatchObject({ keyspace: stage.keyspace, shards: 8 });
    await expect(apply(stage, opened.session, { ...poor, keep: '5d' })).rejects.toThrow('no ALTER permission');
    await opened.session.close();
  });

  it('is made while a node is down, which has it when it is back', async () => {
    const stage = await stageAt(0, 1);
    await cluster.kill(2);
    const { session, store } = await open(stage);
    const probe = () => probeStore(session, store, stage.options(), until());
    const isDown = `2 of 3 nodes of dc1 up (down: ${cluster.hosts[2]}; start them)`;
    await expect.poll(probe, { timeout: MINUTE }).toMatchObject({ ok: true, detail: expect.stringContaining(isDown) });
    await cluster.start(2);
    await expect.poll(probe, { timeout: MINUTE }).toMatchObject({ ok: true, detail: expect.stringContaining('3 of 3 nodes of dc1 up, ') });
    expect(await apply(stage, session)).toEqual([]);
    await session.close();
  });
});
