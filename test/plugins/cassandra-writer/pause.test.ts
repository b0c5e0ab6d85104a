import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startCluster } from '../../cassandra/cluster.ts';
import { describeWithOwnCassandra } from '../../cassandra/shared.ts';
import { entry, sinkAt } from './writer-stage.ts';

describeWithOwnCassandra('a node that stands still for a moment', () => {
  it('is asked again within the same write, and no line is there twice', async () => {
    const cluster = await startCluster(1);
    try {
      const sink = sinkAt(cluster, { keyspace: 'paused', timeout: '2s' });
      await sink.ready();
      const lines = Array.from({ length: 1000 }, (_, n) => entry(`paused.${n}`, { request_id: `r${n}` }));
      cluster.pause(0);
      const writing = sink.write(lines);
      // Longer than one answer may take, and shorter than a write waits for any.
      await sleep(2300);
      cluster.resume(0);
      expect(await writing).toEqual([]);
      expect(sink.told.map(({ text }) => text)).toContain('a write is sent again');
      const { rows } = await (await cluster.client()).execute('SELECT id FROM paused.application_logs', [], { fetchSize: 5000 });
      expect(rows.map(({ id }) => id).sort()).toEqual(lines.map(({ id }) => id).sort());
      await sink.stop();
    } finally {
      await cluster.remove();
    }
  });
});
