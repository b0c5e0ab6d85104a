import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeWithCassandra, dropKeyspace, freshKeyspace, type SharedCassandra, sharedCassandra } from '../cassandra/shared.ts';
import { getJson, logLine, type RunningAgent, runCli, scratch, startAgent } from './agent.ts';
import { StreamClient } from './stream-client.ts';

describeWithCassandra('agents of several hosts that share a store', () => {
  let node: SharedCassandra;
  let keyspace: string;
  let place: Awaited<ReturnType<typeof scratch>>;
  let agents: RunningAgent[];

  beforeEach(async () => {
    node = await sharedCassandra();
    keyspace = freshKeyspace();
    place = await scratch();
    agents = [];
  });
  afterEach(async () => {
    await Promise.all(agents.map((agent) => agent.kill('SIGKILL')));
    await dropKeyspace(keyspace);
    await place.remove();
  });

  const store = () => `hosts: "${node.hosts.join(',')}", port: ${node.port}, keyspace: ${keyspace}, replication: 1`;

  /** An agent of that host, with its own log of so many lines. */
  async function begin(host: string, lines: number): Promise<RunningAgent> {
    const folder = join(place.folder, host);
    await mkdir(folder);
    const log = join(folder, 'app.json.log');
    await writeFile(log, Array.from({ length: lines }, (_, n) => logLine(`${host} ${n}`, { level: n % 2 ? 'INFO' : 'ERROR' })).join(''));
    const config = join(folder, 'cauce.yaml');
    await writeFile(
      config,
      `agent: { host: ${host}, state: ./var, log: { level: info } }
sources:
  app: { use: json-logs, paths: ["${log}"] }
  archive: { use: cassandra-logs, ${store()} }
sinks:
  api: { use: http-query-api, listen: "127.0.0.1:0" }
  stream: { use: websocket-stream, listen: "127.0.0.1:0" }
  ship: { use: cassandra-writer, from: [app], ${store()} }
`,
    );
    const agent = await startAgent(folder, config);
    agents.push(agent);
    return agent;
  }

  const query = async (agent: RunningAgent, more = '') => (await getJson(`${agent.url}/api/data/query?type=logs${more}`)).body;

  it('answer for all of them, each line once, and name both sources', async () => {
    const [one, two] = [await begin('one', 20), await begin('two', 30)];
    for (const agent of [one, two]) await expect.poll(async () => (await query(agent)).count, { timeout: 30_000 }).toBe(50);
    const body = await query(one);
    expect(body.source).toContain('JSON log file');
    expect(body.source).toContain(`Cassandra (${keyspace}.application_logs)`);
    const messages = body.data.map(({ message }: { message: string }) => message);
    expect(new Set(messages).size).toBe(50);
    // Its own lines are in both.
    expect(body.sources.find(({ name }: { name: string }) => name === 'archive').duplicates).toBe(20);
    expect((await query(one, '&source=archive&level=ERROR')).count).toBe(25);
    expect((await getJson(`${one.url}/api/data/stats?type=logs&source=archive&by=level`)).body.data).toEqual([
      expect.objectContaining({ group: { level: 'ERROR' }, count: 25 }),
      expect.objectContaining({ group: { level: 'INFO' }, count: 25 }),
    ]);
  });

  it('stream their own lines; those of the store come when it is named', async () => {
    const one = await begin('one', 1);
    const own = new StreamClient(() => one.url);
    const all = new StreamClient(() => one.url, 'logs&source=archive');
    await expect.poll(() => own.caughtUp + all.caughtUp, { timeout: 30_000 }).toBe(2);
    await begin('two', 5);
    await expect
      .poll(() => all.entries.filter(({ data }) => String(data['message']).startsWith('two')).length, { timeout: 30_000 })
      .toBe(5);
    expect(own.entries.filter(({ data }) => String(data['message']).startsWith('two'))).toEqual([]);
    for (const client of [own, all]) client.close();
  });

  it('make the tables by command as well, and tell before what that will be', async () => {
    const config = join(place.folder, 'cauce.yaml');
    await writeFile(config, `sources: { archive: { use: cassandra-logs, ${store()} } }\n`);
    const apply = (...more: string[]) => runCli(['schema', 'apply', '--source', 'archive', '--config', config, ...more], place.folder);
    const dry = await apply('--dry-run');
    expect(dry.stderr + dry.stdout).toContain(`create the table ${keyspace}.application_logs`);
    expect((await apply()).code).toBe(0);
    const again = await apply('--dry-run');
    expect(again.code).toBe(0);
    expect(again.stdout).not.toContain('create the table');
    const check = await runCli(['check', '--config', config], place.folder);
    expect(check.stdout + check.stderr).toMatch(/archive.*1 of 1 nodes|archive.*1 node/);
  });
});
