import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RetryableError } from '../../../core/contract/index.ts';
import { Inserts } from '../../../plugins/cassandra/insert.ts';
import { partitionOf } from '../../../plugins/cassandra/keys.ts';
import { storedOf } from '../../../plugins/cassandra/row.ts';
import { connect, type Session } from '../../../plugins/cassandra/session.ts';
import plugin from '../../../plugins/cassandra-writer/index.ts';
import { type Cluster, startCluster } from '../../cassandra/cluster.ts';
import { describeWithOwnCassandra } from '../../cassandra/shared.ts';
import { connected, entry, sinkAt } from './writer-stage.ts';

const MINUTES = 60_000;
const someLines = (prefix: string, count = 300) =>
  Array.from({ length: count }, (_, n) => entry(`${prefix}.${n}`, { request_id: `${prefix}-${n % 50}` }));

async function idsIn(cluster: Cluster, keyspace: string): Promise<string[]> {
  const { rows } = await (await cluster.client()).execute(`SELECT id FROM ${keyspace}.application_logs`, [], { fetchSize: 5000 });
  return rows.map((row) => row['id'] as string).sort();
}

describeWithOwnCassandra('one node that comes and goes', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster(1);
  }, 5 * MINUTES);
  afterAll(() => cluster?.remove());

  it(
    'a sink that starts while nobody listens writes as soon as the node is there',
    async () => {
      await cluster.kill(0, 'SIGKILL');
      const sink = sinkAt(cluster, { keyspace: 'late' });
      await sink.start();
      const lines = someLines('late');
      await expect(sink.write(lines)).rejects.toBeInstanceOf(RetryableError);
      await expect(sink.write(lines)).rejects.toThrow(/no node answers at 127\.0\.0\.1.*start one/);
      const other = sinkAt(cluster, { keyspace: 'late' });
      await other.start();
      await other.stop();
      await expect(other.write(lines)).rejects.toThrow();
      await cluster.start(0);
      await expect.poll(() => sink.write(lines).catch(String), { timeout: MINUTES, interval: 250 }).toEqual([]);
      expect(await idsIn(cluster, 'late')).toEqual(lines.map(({ id }) => id).sort());
      const told = sink.told.map(({ text }) => text).filter((text) => /be used yet|connected/.test(text));
      expect(told).toEqual(['Cassandra cannot be used yet; it is tried again', 'connected to Cassandra']);
      await sink.stop();
    },
    5 * MINUTES,
  );

  it(
    'a write to a node that hangs ends with an error, stop() does not wait for the node, and a later write succeeds',
    async () => {
      const sink = sinkAt(cluster, { keyspace: 'hanging', timeout: '2s' });
      await sink.ready();
      await sink.write(someLines('before'));
      cluster.pause(0);
      await expect(sink.write(someLines('hung', 3000))).rejects.toMatchObject({
        code: 'ERR_CASSANDRA',
        message: expect.stringMatching(/no write for 5 s|no answer in time|no node answers/),
      });
      const starting = sinkAt(cluster, { keyspace: 'hanging', connect_timeout: '60s' });
      await starting.start();
      await expect(starting.write(someLines('hung'))).rejects.toBeInstanceOf(RetryableError);
      const stopping = starting.stop().then(() => 'stopped');
      expect(await Promise.race([stopping, sleep(10_000, 'still waiting')])).toBe('stopped');
      cluster.resume(0);
      await expect.poll(() => sink.write(someLines('hung', 3000)).catch(String), { timeout: MINUTES, interval: 250 }).toEqual([]);
      expect((await idsIn(cluster, 'hanging')).length).toBe(3300);
      await sink.stop();
    },
    5 * MINUTES,
  );
});

describeWithOwnCassandra('three nodes', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster(3);
  }, 5 * MINUTES);
  afterAll(() => cluster?.remove());

  it('batches and single rows go to a node that has a copy of their partition', async () => {
    const sink = sinkAt(cluster, { keyspace: 'routed', replication: 1 });
    await sink.ready();
    await sink.stop();
    const options = plugin.options.parse({ hosts: [...cluster.hosts], port: cluster.port, keyspace: 'routed' });
    const session: Session = await connect(options, new AbortController().signal);
    const reader = await connected(cluster);
    await reader.metadata.refreshKeyspaces();
    const inserts = new Inserts('routed', 'here/ship', 3600);
    const asked = new Set<string>();
    for (let n = 0; n < 40; n++) {
      const line = storedOf(entry(`routed.${n}`, { service: `service ${n}`, request_id: `r${n}` }), 'app', 'here');
      const partition = partitionOf(line.service, line.time, line.id, 8);
      const batch = await session.batch([inserts.line(line, partition, 60), inserts.line({ ...line, id: 'x' }, partition, 60)]);
      const tokens = await reader.execute('SELECT service FROM routed.application_logs WHERE service = ? AND hour = ? AND shard = ?', [
        partition.service,
        new Date(partition.hour / 1000),
        partition.shard,
      ]);
      expect(batch.info.queriedHost).toBe(tokens.info.queriedHost);
      const pointer = await session.execute(inserts.pointer(`r${n}`, line, 60));
      const [replica] = reader.getReplicas('routed', Buffer.from(`r${n}`)) as { address: string }[];
      expect(pointer.info.queriedHost).toBe(replica?.address);
      asked.add(batch.info.queriedHost);
    }
    expect([...asked].sort()).toEqual(cluster.hosts.map((host) => `${host}:${cluster.port}`).sort());
    await Promise.all([session.close(), reader.shutdown()]);
  });

  it(
    'one that hangs holds up neither a write nor stop()',
    async () => {
      const sink = sinkAt(cluster, { keyspace: 'one_hangs', replication: 3 });
      await sink.ready();
      await sink.write(someLines('before'));
      cluster.pause(1);
      expect(await sink.write(someLines('during', 1000))).toEqual([]);
      const stopping = sink.stop().then(() => 'stopped');
      expect(await Promise.race([stopping, sleep(10_000, 'still waiting')])).toBe('stopped');
      cluster.resume(1);
      expect((await idsIn(cluster, 'one_hangs')).length).toBe(1300);
    },
    5 * MINUTES,
  );

  it(
    'while two hang, a write ends with an error that says why; after it nothing is lost',
    async () => {
      const sink = sinkAt(cluster, { keyspace: 'two_hang', replication: 3, timeout: '1s' });
      await sink.ready();
      cluster.pause(1);
      cluster.pause(2);
      await expect(sink.write(someLines('during', 3000))).rejects.toMatchObject({ code: 'ERR_CASSANDRA' });
      cluster.resume(1);
      cluster.resume(2);
      await expect.poll(() => sink.write(someLines('during', 3000)).catch(String), { timeout: MINUTES, interval: 250 }).toEqual([]);
      expect((await idsIn(cluster, 'two_hang')).length).toBe(3000);
      await sink.stop();
    },
    5 * MINUTES,
  );
});
