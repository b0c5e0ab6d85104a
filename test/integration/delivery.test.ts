import { appendFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { getJson, logLine, type RunningAgent, repository, scratch, startAgent, writeConfig } from './agent.ts';
import { StreamClient } from './stream-client.ts';

const SINK = join(repository, 'test/integration/file-sink.ts');

let place: Awaited<ReturnType<typeof scratch>>;
let agent: RunningAgent | undefined;
let client: StreamClient | undefined;
beforeEach(async () => {
  place = await scratch();
});
afterEach(async () => {
  client?.close();
  client = undefined;
  await agent?.kill('SIGKILL');
  agent = undefined;
  await place.remove();
});

interface Delivery {
  readonly source: string;
  readonly state: string;
  readonly lag_seconds: number;
  readonly pending: number;
  readonly error?: string;
}

async function shipOf(running: RunningAgent): Promise<{ ready: unknown; circuit: string; deliveries: Delivery[] }> {
  const { body } = await getJson(`${running.url}/-/ready`);
  const ship = body.instances.find(({ name }: { name: string }) => name === 'ship');
  return { ready: body.ready, circuit: ship.circuit, deliveries: ship.deliveries };
}

async function metric(running: RunningAgent, name: string): Promise<number> {
  const text = await (await fetch(`${running.url}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return Number(line?.split(' ').at(-1));
}

it('a sink that is down: the agent is ready and answers, /-/ready and /metrics tell the lag, and all arrives afterwards', async () => {
  const [log, kept] = [join(place.folder, 'app.json.log'), join(place.folder, 'kept')];
  await writeFile(`${kept}.down`, '');
  await writeFile(log, Array.from({ length: 20 }, (_, index) => logLine(`line ${index}`)).join(''));
  const config = await writeConfig(place.folder, `app: { use: json-logs, paths: ["${log}"] }`);
  await appendFile(config, `  ship: { use: "${SINK}", file: "${kept}" }\n`);
  agent = await startAgent(place.folder, config);
  const running = agent;
  await expect.poll(async () => (await shipOf(running)).circuit, { timeout: 20_000 }).toBe('open');

  const { ready, deliveries } = await shipOf(running);
  expect(ready).toBe(true);
  expect(deliveries).toMatchObject([{ source: 'app', state: 'waiting', error: 'the store is down', pending: 20 }]);
  expect(deliveries[0]?.lag_seconds).toBeGreaterThan(3000);
  expect(await metric(running, 'cauce_delivery_lag_seconds{sink="ship",source="app"}')).toBeGreaterThan(3000);
  expect(await metric(running, 'cauce_delivery_pending_entries{sink="ship",source="app"}')).toBe(20);
  expect(await metric(running, 'cauce_delivery_circuit_open{sink="ship"}')).toBe(1);
  expect((await getJson(`${running.url}/api/data/query?type=logs`)).body.count).toBe(20);
  client = new StreamClient(() => running.url);
  await expect.poll(() => client?.caughtUp, { timeout: 10_000 }).toBeGreaterThan(0);
  await appendFile(log, logLine('live'));
  await expect.poll(() => client?.entries.length, { timeout: 10_000 }).toBe(1);

  await rm(`${kept}.down`);
  const lines = async () => (await readFile(kept, 'utf8').catch(() => '')).split('\n').filter(Boolean);
  await expect.poll(async () => (await lines()).length, { timeout: 20_000 }).toBe(21);
  await expect
    .poll(async () => (await shipOf(running)).deliveries[0], { timeout: 10_000 })
    .toEqual({
      source: 'app',
      state: 'current',
      lag_seconds: 0,
      pending: 0,
    });
  expect((await shipOf(running)).circuit).toBe('closed');
  expect(await metric(running, 'cauce_delivery_circuit_open{sink="ship"}')).toBe(0);
});
