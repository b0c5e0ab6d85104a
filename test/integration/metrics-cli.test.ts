import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningAgent, repository, runCli, scratch, startAgent } from './agent.ts';
import { StreamClient } from './stream-client.ts';

const TOKEN = 'the-token-of-this-very-test';
const DAY = 86_400_000;

let place: Awaited<ReturnType<typeof scratch>>;
let agent: RunningAgent;
let config: string;
const run = (...args: string[]) => runCli([...args, '--url', agent.url], place.folder, { CAUCE_TOKEN: TOKEN, NO_COLOR: '1' });
const json = async (...args: string[]) => JSON.parse((await run(...args, '--json')).stdout);

beforeAll(async () => {
  place = await scratch();
  config = join(place.folder, 'cauce.yaml');
  await writeFile(
    config,
    `agent: { state: ./var }
sources:
  dora: { use: sqlite-metrics, path: ./var/metrics.db, owner: delivery, expects: { every: 30d } }
sinks:
  api: { use: http-query-api, listen: "127.0.0.1:0", write_token: "\${CAUCE_TOKEN}" }
  stream: { use: websocket-stream, listen: "127.0.0.1:0" }
`,
  );
  agent = await startAgent(place.folder, config, { CAUCE_TOKEN: TOKEN });
  const began = Date.now();
  const at = (days: number, hours = 0) => new Date(began - days * DAY + hours * 3_600_000).toISOString();
  const rows: [cycle: string, phase: string, decision: string, time: string][] = [
    ['a', 'planning', 'approved', at(20)],
    ['a', 'deployment', 'go', at(18)],
    ['a', 'incident', 'failed', at(17)],
    ['a', 'recovery', 'resolved', at(17, 3)],
    ['b', 'planning', 'approved', at(9)],
    ['b', 'deployment', 'go', at(8)],
  ];
  for (const [cycle, phase, decision, time] of rows) {
    const args = [
      '--cycle-id',
      cycle,
      '--feature-id',
      `feature-${cycle}`,
      '--phase',
      phase,
      '--decision',
      decision,
      '--created-at',
      time,
      '--duration',
      '7.5',
    ];
    expect(await run('metrics', 'add', ...args)).toMatchObject({ code: 0 });
  }
});
afterAll(async () => {
  await agent.kill('SIGKILL');
  await place.remove();
});

describe('metrics on the command line', () => {
  it('cauce dora tells the four keys, for people and for machines', async () => {
    const { keys } = await json('dora', '--days', '70');
    expect(keys.deployment_frequency).toMatchObject({ value: 0.2, unit: 'per week', class: 'low', n: 2 });
    expect(keys.lead_time).toMatchObject({ value: 1.5 * 86_400, class: 'medium', n: 2 });
    expect(keys.change_failure_rate).toMatchObject({ value: 0.5, class: 'low', n: 2 });
    expect(keys.time_to_restore).toMatchObject({ value: 3 * 3600, class: 'high', n: 1, open: [] });
    const { stdout } = await run('dora', '--days', '70');
    for (const text of ['0.2 per week', '36 h', '50 %', '3 h', 'change failure rate:']) expect(stdout).toContain(text);
    expect((await run('dora', '--from', '-2h')).stdout).toContain('no data');
  });

  it('cauce stats counts and measures by groups', async () => {
    const { data } = await json('stats', 'metrics', '--days', '30', '--by', 'phase_name', '--measure', 'sum(duration_seconds)');
    expect(
      Object.fromEntries(data.map(({ group, count, values }: never) => [group['phase_name'], [count, values['sum(duration_seconds)']]])),
    ).toEqual({
      planning: [2, 15],
      deployment: [2, 15],
      incident: [1, 7.5],
      recovery: [1, 7.5],
    });
    expect((await run('stats', 'metrics', '--by', 'phase_name', '--days', '30')).stdout).toMatch(/planning.*2/);
    expect(await run('stats', 'metrics', '--measure', 'avarage(x)')).toMatchObject({ code: 1, stderr: expect.stringContaining('measure') });
  });

  it('cauce catalog tells of every source', async () => {
    const { sources } = await json('catalog');
    expect(sources).toMatchObject([{ name: 'dora', owner: 'delivery', volume: { entries: 6 }, quality: { score: 100, class: 'healthy' } }]);
    expect((await run('catalog')).stdout).toContain('delivery');
  });

  it('cauce catalog tells of the configured sinks also without an agent', async () => {
    const file = join(place.folder, 'alone.yaml');
    await writeFile(
      file,
      `agent: { state: ./alone }
sources:
  dora: { use: sqlite-metrics, path: ./alone/metrics.db }
sinks:
  api: { use: http-query-api }
  copy: { use: "${join(repository, 'test/integration/file-sink.ts')}", file: "${join(place.folder, 'copy')}" }
`,
    );
    const { stdout } = await runCli(['catalog', '--config', file, '--json'], place.folder);
    const feeds = JSON.parse(stdout).sources[0].feeds.map(({ sink, how }: never) => [sink, how]);
    expect(feeds).toEqual([
      ['api', 'read'],
      ['copy', 'written'],
    ]);
  });

  it('what is added streams, and once, through a kill and a restart', async () => {
    const client = new StreamClient(() => (agent.process.signalCode === null ? agent.url : undefined), 'metrics');
    try {
      await expect.poll(() => client.caughtUp).toBe(1);
      const add = (cycle: string) =>
        run('metrics', 'add', '--cycle-id', cycle, '--feature-id', 'f', '--phase', 'testing', '--decision', 'go');
      expect(await add('live')).toMatchObject({ code: 0 });
      await expect.poll(() => client.entries.length).toBe(1);
      await agent.kill('SIGKILL');
      agent = await startAgent(place.folder, config, { CAUCE_TOKEN: TOKEN });
      for (const cycle of ['again', 'and again']) expect(await add(cycle)).toMatchObject({ code: 0 });
      await expect.poll(() => client.entries.length, { timeout: 10_000 }).toBe(3);
      expect(client.entries.map(({ data }) => data['cycle_id'])).toEqual(['live', 'again', 'and again']);
      expect(client.lost).toEqual([]);
    } finally {
      client.close();
    }
  });

  it('cauce stats shows every digit, and marks what it cuts', async () => {
    const metadata = { notes: 'x'.repeat(61) };
    const fifteen = Array.from({ length: 15 }, (_, index) => {
      const created_at = `2020-01-01T00:00:${10 + index}Z`;
      return { cycle_id: 'c', feature_id: 'f', phase_name: 'p', decision: 'go', duration_seconds: 99999999.99, metadata, created_at };
    });
    // Written past the command, since only the digits shown matter here.
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
    const sent = await fetch(`${agent.url}/api/data/metrics`, { method: 'POST', headers, body: JSON.stringify(fifteen) });
    expect(sent.status).toBe(201);
    const window = ['--from', '2020-01-01T00:00:00Z', '--to', '2020-01-02T00:00:00Z'];
    const sum = await run('stats', 'metrics', ...window, '--by', 'metadata.notes', '--measure', 'sum(duration_seconds)');
    expect(sum.stdout).toContain('1499999999.85');
    expect(sum.stdout).toContain(` ${'x'.repeat(59)}… `);
  });
});
