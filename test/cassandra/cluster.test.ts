import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Cluster, startCluster } from './cluster.ts';
import { describeWithOwnCassandra } from './shared.ts';

describeWithOwnCassandra('a cluster of three nodes', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster(3);
  }, 300_000);
  afterAll(() => cluster?.remove());

  it('takes a write and gives it back while one node is killed, and sees it again when it is back', async () => {
    const client = await cluster.client();
    await client.execute(`CREATE KEYSPACE proof WITH replication = {'class': 'NetworkTopologyStrategy', '${cluster.dataCenter}': 3}`);
    await client.execute('CREATE TABLE proof.kept (id int PRIMARY KEY, text text)');
    await cluster.kill(2, 'SIGKILL');
    await client.execute('INSERT INTO proof.kept (id, text) VALUES (?, ?)', [1, 'written by two']);
    expect((await client.execute('SELECT text FROM proof.kept WHERE id = ?', [1])).first()['text']).toBe('written by two');
    await cluster.start(2);
    expect(client.hosts.values()).toHaveLength(3);
    const status = await cluster.nodetool(0, 'status');
    expect(status.match(/^UN /gm)).toHaveLength(3);
  }, 300_000);

  it('is not mistaken for another one on the same port', async () => {
    await expect(startCluster(1, { port: cluster.port })).rejects.toThrow(`port ${cluster.port} is taken`);
  });
});
