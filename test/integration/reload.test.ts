import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { getJson, logLine, type RunningAgent, scratch, startAgent, writeConfig } from './agent.ts';
import { StreamClient } from './stream-client.ts';

let place: Awaited<ReturnType<typeof scratch>>;
let agent: RunningAgent;
let client: StreamClient | undefined;
beforeEach(async () => {
  place = await scratch();
});
afterEach(async () => {
  client?.close();
  await agent.kill('SIGKILL');
  await place.remove();
});

const source = (folder: string, name: string) => `${name}: { use: json-logs, paths: ["${join(folder, name)}.json.log"] }`;
const names = async () =>
  (await getJson(`${agent.url}/api/data/query?type=logs`)).body.sources.map(({ name }: { name: string }) => name).sort();

describe('a reload', () => {
  it('adds, changes and removes by difference, and does not touch the rest', async () => {
    for (const name of ['one', 'two']) await writeFile(join(place.folder, `${name}.json.log`), logLine(name));
    const config = await writeConfig(place.folder, source(place.folder, 'one'));
    agent = await startAgent(place.folder, config);
    client = new StreamClient(() => agent.url);
    await expect.poll(() => client?.caughtUp, { timeout: 10_000 }).toBeGreaterThan(0);

    await writeConfig(place.folder, `${source(place.folder, 'one')}\n${source(place.folder, 'two')}`);
    await expect.poll(names, { timeout: 10_000 }).toEqual(['one', 'two']);
    await appendFile(join(place.folder, 'one.json.log'), logLine('still here'));
    await expect.poll(() => client?.entries.map(({ data }) => data['message']), { timeout: 10_000 }).toContain('still here');
    expect(client.connections, 'the stream was not cut').toBe(1);

    await writeConfig(place.folder, source(place.folder, 'two'));
    agent.process.kill('SIGHUP');
    await expect.poll(names, { timeout: 10_000 }).toEqual(['two']);
  });

  it('changes nothing when the new file is bad, and says so', async () => {
    await writeFile(join(place.folder, 'one.json.log'), logLine('one'));
    const config = await writeConfig(place.folder, source(place.folder, 'one'));
    agent = await startAgent(place.folder, config);
    const good = await readFile(config, 'utf8');
    await writeFile(config, good.replace('json-logs', 'json-lgs'));
    await expect
      .poll(() => agent.logged.join('\n'), { timeout: 10_000 })
      .toMatch(/did you mean json-logs\?.*the new configuration is not used/);
    expect(await names()).toEqual(['one']);
    const metrics = await (await fetch(`${agent.url}/metrics`)).text();
    expect(metrics).toMatch(/^cauce_reloads_total\{result="[a-z]+"\} 1$/m);
  });

  it('replaces the API without refusing a request', async () => {
    await writeFile(join(place.folder, 'one.json.log'), logLine('one'));
    const config = await writeConfig(place.folder, source(place.folder, 'one'));
    agent = await startAgent(place.folder, config);
    let asking = true;
    const statuses = new Set<number>();
    const asker = (async () => {
      while (asking) statuses.add((await fetch(`${agent.url}/api/data/query?type=logs`)).status);
    })();
    const text = await readFile(config, 'utf8');
    await writeFile(config, text.replace('api: { use: http-query-api,', 'api: { use: http-query-api, max_limit: 7,'));
    await expect.poll(async () => (await fetch(`${agent.url}/api/data/query?type=logs&limit=8`)).status, { timeout: 10_000 }).toBe(400);
    asking = false;
    await asker;
    expect([...statuses].filter((status) => status !== 200 && status !== 400)).toEqual([]);
  });
});
