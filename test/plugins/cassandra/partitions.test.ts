import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { contextOf } from '../../../core/conformance/stand.ts';
import type { Entry, Sink } from '../../../core/contract/index.ts';
import { HOUR, hourOf, partitionOf } from '../../../plugins/cassandra/keys.ts';
import writer from '../../../plugins/cassandra-writer/index.ts';
import { type Cluster, startCluster } from '../../cassandra/cluster.ts';
import { describeWithOwnCassandra } from '../../cassandra/shared.ts';

const LINES = 4_000_000;
const SHARDS = 8;
const SAMPLE = 20_000;
const MB = 1_000_000;
const BEGAN = hourOf((Date.now() - 86_400_000) * 1000);

/** As json-logs makes them. */
function idOf(n: number, json: string): string {
  return `hoh94edl74-5472bffbe8823b1b.${(n * 300).toString(36).padStart(8, '0')}.${crc32(json).toString(16).padStart(8, '0')}`;
}

/** A line of the first system, of 330 bytes and more. */
function entryOf(n: number): Entry {
  const time = BEGAN + n * 1000;
  const body = {
    timestamp: new Date(time / 1000).toISOString(),
    level: n % 100 === 0 ? 'ERROR' : 'INFO',
    logger: 'calls.router',
    message: `call ${n} was handed to agent ${(n * 7919) % 1000} after ${(n * 104_729) % 90_000} ms in the queue`,
    module: 'router',
    function: 'hand_over',
    line: n % 900,
    process_id: 4000 + (n % 7),
    thread_id: 140_245_117_200_000 + (n % 50),
    thread_name: `worker-${n % 50}`,
    pathname: '/srv/iact/calls/router.py',
    request_id: crc32(String(n >> 2)).toString(16),
    user_id: (n * 31) % 5000,
    session_id: crc32(`s${n >> 6}`).toString(16),
  };
  const json = JSON.stringify(body);
  return { id: idOf(n, json), time, json, body, type: 'logs', source: 'app' };
}

/** Lines of each hour of a day: several times as many at noon as on average, and few at night. */
function linesOfDay(): number[] {
  const weights = Array.from({ length: 24 }, (_, at) => Math.exp(-((at - 12) ** 2) / 20) + 0.02);
  const whole = weights.reduce((sum, one) => sum + one, 0);
  return weights.map((weight) => Math.round((LINES * weight) / whole));
}

describeWithOwnCassandra('a day of 4 million lines of one service', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster(1);
  });
  afterAll(() => cluster?.remove());

  /** Of a line in a partition, as Cassandra counts it before compression. */
  async function bytesPerLine(): Promise<number> {
    const controller = new AbortController();
    const store = { hosts: cluster.hosts, port: cluster.port, keyspace: 'sizes', replication: 1, shards: 1 };
    const sink = writer.create({ ...contextOf(writer as never, store, controller.signal), agent: {} } as never) as Required<Sink>;
    await sink.start(controller.signal);
    for (let n = 0; n < SAMPLE; n += 5000) {
      const entries = Array.from({ length: 5000 }, (_, at) => entryOf(n + at));
      expect(await sink.write(entries, controller.signal)).toEqual([]);
    }
    await sink.stop();
    await cluster.nodetool(0, 'flush', 'sizes');
    const stats = await cluster.nodetool(0, 'tablestats', 'sizes.application_logs');
    const [, largest] = /Compacted partition maximum bytes: (\d+)/.exec(stats) ?? [];
    return Number(largest) / SAMPLE;
  }

  it('keeps every partition under 100 MB and 100,000 lines', async () => {
    const bytes = await bytesPerLine();
    expect(bytes).toBeGreaterThan(entryOf(0).json.length / 2);
    const lines = new Map<string, number>();
    for (const [hour, count] of linesOfDay().entries()) {
      for (let n = 0; n < count; n++) {
        const time = hour * HOUR + n;
        const { shard } = partitionOf('api', time, idOf(n, `{"level":"INFO","message":"call ${n} of hour ${hour}"}`), SHARDS);
        const key = `${hour}/${shard}`;
        lines.set(key, (lines.get(key) ?? 0) + 1);
      }
    }
    const most = Math.max(...lines.values());
    console.log(`the largest partition: ${most} lines of ${Math.round(bytes)} bytes, ${Math.round((most * bytes) / MB)} MB`);
    expect(lines.size).toBe(24 * SHARDS);
    expect(most).toBeLessThan(100_000);
    expect(most * bytes).toBeLessThan(100 * MB);
  });
});
