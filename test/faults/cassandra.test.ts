import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { type Cluster, startCluster } from '../cassandra/cluster.ts';
import { describeWithOwnCassandra } from '../cassandra/shared.ts';
import { getJson, type RunningAgent, scratch, startAgent } from '../integration/agent.ts';
import { StreamClient } from '../integration/stream-client.ts';
import { entriesOf, Logger } from './shipping.ts';

const long = process.env['CAUCE_TEST_LONG'] === '1';
const LINES = long ? 200_000 : 12_000;
/** Lines a second; the outage lies in the middle third. */
const RATE = long ? 5000 : 1000;
const MINUTES = 60_000;

describeWithOwnCassandra('an agent that ships its log to three nodes', () => {
  let cluster: Cluster;
  let keyspaces = 0;
  let keyspace: string;
  let place: Awaited<ReturnType<typeof scratch>>;
  let agent: RunningAgent;
  let logger: Logger;

  beforeAll(async () => {
    cluster = await startCluster(3);
  }, 5 * MINUTES);
  afterAll(() => cluster?.remove());

  beforeEach(async () => {
    place = await scratch();
    keyspace = `faults_${++keyspaces}`;
    logger = new Logger(place.folder, long ? 4_000_000 : 400_000);
    await writeFile(logger.path, '');
    agent = await startAgent(place.folder, await configure());
  }, 2 * MINUTES);
  afterEach(async () => {
    await agent?.kill('SIGKILL');
    await place.remove();
  });

  async function configure(): Promise<string> {
    const file = join(place.folder, 'cauce.yaml');
    const store = `hosts: "${cluster.hosts.join(',')}", port: ${cluster.port}, keyspace: ${keyspace}`;
    await writeFile(
      file,
      `agent: { state: ./var, log: { level: info } }
sources:
  app: { use: json-logs, paths: ["${logger.path}"] }
  archive: { use: cassandra-logs, ${store} }
sinks:
  api: { use: http-query-api, listen: "127.0.0.1:0" }
  stream: { use: websocket-stream, listen: "127.0.0.1:0" }
  ship: { use: cassandra-writer, from: [app], ${store} }
`,
    );
    return file;
  }

  /** Ids of all rows that Cassandra has, as often as it has them, with the line of each. */
  async function stored(): Promise<{ ids: string[]; lines: Map<string, string> }> {
    const client = await cluster.client();
    const ids: string[] = [];
    const lines = new Map<string, string>();
    for await (const row of await client.execute(`SELECT id, body FROM ${keyspace}.application_logs`, [], {
      prepare: true,
      fetchSize: 2000,
    })) {
      ids.push(row['id'] as string);
      lines.set(row['id'] as string, row['body'] as string);
    }
    return { ids, lines };
  }

  async function everythingArrived(): Promise<void> {
    const written = await entriesOf(logger.path);
    expect(written.size).toBe(logger.written);
    await expect.poll(async () => (await stored()).ids.length, { timeout: 3 * MINUTES, interval: 1000 }).toBe(written.size);
    const { lines } = await stored();
    expect(lines.size).toBe(written.size);
    for (const [id, line] of written) expect(lines.get(id), id).toBe(line);
  }

  it(
    'one is killed while lines come and are asked for, and started again: no line is lost or doubled, and queries keep answering',
    async () => {
      const asking = new Asking(`${agent.url}/api/data/query?type=logs&limit=200`);
      const progress = new Progress(agent.url);
      await logger.log(LINES / 3, RATE);
      await cluster.kill(2, 'SIGKILL');
      await logger.log(LINES / 3, RATE);
      // Also by the store itself, while the node is down.
      await expect.poll(() => asking.lastIsWhole, { timeout: MINUTES }).toBe(true);
      await cluster.start(2);
      await logger.log(LINES / 3, RATE);
      await everythingArrived();
      await Promise.all([asking.end(), progress.end()]);
      console.log(
        `the longest time without a line written: ${progress.longest} ms; ${asking.answers} queries, of which ${asking.partial.length} were answered from the files alone`,
        new Set(asking.partial),
      );
      expect(asking.answers).toBeGreaterThan(10);
      expect(asking.failed).toEqual([]);
    },
    10 * MINUTES,
  );

  it(
    'two are killed: writes wait, the stream and queries of files go on, and all arrives after they are back',
    async () => {
      const stream = new StreamClient(() => agent.url);
      await expect.poll(() => stream.caughtUp, { timeout: 20_000 }).toBeGreaterThan(0);
      await logger.log(LINES / 6, RATE);
      await Promise.all([cluster.kill(1, 'SIGKILL'), cluster.kill(2, 'SIGKILL')]);
      await logger.log(LINES / 6, RATE);
      await expect.poll(() => stream.entries.length, { timeout: 30_000 }).toBe(logger.written);
      const { status, body } = await getJson(`${agent.url}/api/data/query?type=logs&limit=50`);
      expect(status).toBe(200);
      expect(body.count).toBe(50);
      expect(body.data[0].n).toBe(logger.written - 1);
      const ready = await getJson(`${agent.url}/-/ready`);
      expect(ready.status).toBe(200);
      await Promise.all([cluster.start(1), cluster.start(2)]);
      await everythingArrived();
      expect(agent.process.exitCode).toBeNull();
      stream.close();
    },
    10 * MINUTES,
  );
});

/** Does the same again and again, until the test is over. */
function repeat(work: () => Promise<void>): () => Promise<void> {
  let ended = false;
  const running = (async () => {
    while (!ended) {
      await work();
      await sleep(100);
    }
  })();
  running.catch(() => undefined); // Told when it is ended.
  return async () => {
    ended = true;
    await running;
  };
}

class Asking {
  answers = 0;
  lastIsWhole = false;
  readonly partial: string[] = [];
  readonly failed: unknown[] = [];
  readonly end: () => Promise<void>;

  constructor(url: string) {
    this.end = repeat(async () => {
      const { status, body } = await getJson(url);
      this.answers++;
      if (status !== 200 || body.count === 0) this.failed.push(body);
      this.lastIsWhole = !/partial/.test(body.note ?? '');
      if (!this.lastIsWhole) this.partial.push(body.note);
    });
  }
}

/** The longest time, in milliseconds, in which the sink took no line. */
class Progress {
  longest = 0;
  #last = Date.now();
  #count = 0;
  readonly end: () => Promise<void>;

  constructor(url: string) {
    this.end = repeat(async () => {
      const text = await (await fetch(`${url}/metrics`)).text();
      const count = Number(/^cauce_delivered_entries_total\{[^}]*\} (\d+)/m.exec(text)?.[1] ?? 0);
      if (count === this.#count) return;
      this.longest = Math.max(this.longest, Date.now() - this.#last);
      [this.#last, this.#count] = [Date.now(), count];
    });
  }
}
