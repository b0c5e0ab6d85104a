import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getJson, type RunningAgent, repository, scratch, startAgent } from './agent.ts';

let place: Awaited<ReturnType<typeof scratch>>;
let agent: RunningAgent;
beforeAll(async () => {
  place = await scratch();
  await mkdir(join(place.folder, 'var'));
  await symlink(join(repository, 'examples'), join(place.folder, 'examples'));
  agent = await startAgent(place.folder, join(repository, 'config/cauce.yaml'), { CAUCE_LISTEN: '127.0.0.1:0' });
});
afterAll(async () => {
  await agent.kill('SIGKILL');
  await place.remove();
});

describe('the default configuration', () => {
  it("answers the agent's own log, newest first", async () => {
    const { status, body } = await getJson(`${agent.url}/api/data/query?type=logs`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ query_type: 'logs', source: 'JSON log file', days: 7 });
    expect(body.count).toBe(body.data.length);
    expect(body.data.map(({ message }: { message: string }) => message)).toContain('listening');
    const times = body.data.map(({ timestamp }: { timestamp: string }) => timestamp);
    expect([...times].sort().reverse()).toEqual(times);
  });

  it('answers the health of this machine', async () => {
    const { status, body } = await getJson(`${agent.url}/api/data/query?type=health`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ query_type: 'health', source: 'health_check.sh' });
    expect(['ok', 'warning', 'critical', 'unknown']).toContain(body.data.status);
    expect(Object.keys(body.data.checks).length).toBeGreaterThan(2);
    for (const check of Object.values(body.data.checks)) expect(['ok', 'warning', 'critical', 'unknown']).toContain(check);
    await expect
      .poll(async () => (await getJson(`${agent.url}/api/data/query?type=health&history=1&days=30`)).body.count, { timeout: 10_000 })
      .toBeGreaterThan(0);
  });

  it('answers metrics with no server, also when there are none yet', async () => {
    const { status, body } = await getJson(`${agent.url}/api/data/query?type=metrics`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ query_type: 'metrics', source: 'SQLite (dora_metrics)', count: 0, data: [] });
  });

  it('refuses an unknown type with the valid ones', async () => {
    const { status, body } = await getJson(`${agent.url}/api/data/query?type=invalid`);
    expect(status).toBe(400);
    expect(body.valid_types).toEqual(['metrics', 'logs', 'health']);
    expect(body.error).toContain('invalid');
  });

  it('is ready, and counts itself', async () => {
    const ready = await getJson(`${agent.url}/-/ready`);
    expect(ready.status).toBe(200);
    const metrics = await (await fetch(`${agent.url}/metrics`)).text();
    expect(metrics).toMatch(/^cauce_queries_total\{.*type="logs".*\} \d+$/m);
    expect(metrics).toMatch(/^cauce_instance_up\{.*instance="machine".*\} 1$/m);
  });

  it('drains on SIGTERM and ends with 0', async () => {
    expect(await agent.kill('SIGTERM')).toBe(0);
    expect(agent.logged.at(-1)).toContain('"stopped"');
  });
});
