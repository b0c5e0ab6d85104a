import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { getJson, logLine, type RunningAgent, repository, runCli, scratch, startAgent, writeConfig } from './agent.ts';
import { StreamClient } from './stream-client.ts';

const BAD = join(repository, 'test/integration/misbehaving-source.ts');

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

async function beside(bad: string): Promise<{ agent: RunningAgent; log: string }> {
  const log = join(place.folder, 'good.json.log');
  await writeFile(log, logLine('a good line'));
  const config = await writeConfig(place.folder, `good: { use: json-logs, paths: ["${log}"] }\nbad: { use: "${BAD}", ${bad} }`);
  const text = await readFile(config, 'utf8');
  await writeFile(config, text.replace('log: { level: info }', 'log: { level: info }, query: { deadline: 1s }'));
  agent = await startAgent(place.folder, config);
  return { agent, log };
}

const problem = (source: { name: string; status: string; error?: string }) => source.name === 'bad';

describe('a plugin that misbehaves', () => {
  it.each([
    ['at: create', /thrown in create/, 'failed'],
    ['at: start', /thrown in start/, 'failed'],
    ['at: start, how: hangs', /starting|it is (starting|waiting)/, 'failed'],
    ['at: query', /thrown in query/, 'failed'],
    ['at: query, how: hangs', /1 s|1000|deadline/, 'timeout'],
    ['at: garbage', /the plugin breaks a rule of the contract/, 'failed'],
  ])('%s: the answer says so, and the neighbour answers', async (bad, message, status) => {
    const running = await beside(bad);
    const { status: code, body } = await getJson(`${running.agent.url}/api/data/query?type=logs`);
    expect(code).toBe(200);
    expect(body.data.map(({ message }: { message: string }) => message)).toEqual(['a good line']);
    expect(body.sources.find(problem)).toMatchObject({ status, error: expect.stringMatching(message) });
    expect(body.note).toMatch(/partial.*bad/);
    const ready = await getJson(`${running.agent.url}/-/ready`);
    expect(ready.status).toBe(200);
  });

  it.each(['at: follow', 'at: follow, how: hangs', 'at: create', 'at: start, how: hangs'])(
    '%s: the stream of the neighbour goes on',
    async (bad) => {
      const running = await beside(bad);
      client = new StreamClient(() => running.agent.url);
      await expect.poll(() => client?.connected, { timeout: 10_000 }).toBe(true);
      await expect
        .poll(
          async () => {
            await appendFile(running.log, logLine('another'));
            return client?.entries.length;
          },
          { timeout: 10_000, interval: 200 },
        )
        .toBeGreaterThan(0);
    },
  );

  it('leaves a stray rejection behind: it is blamed by name and restarted, and nobody else notices', async () => {
    const running = await beside('at: stray');
    await expect
      .poll(() => running.agent.logged.join('\n'), { timeout: 10_000 })
      .toMatch(/"instance":"bad","error":"a stray rejection".*left uncaught by this plugin/);
    await expect
      .poll(async () => (await getJson(`${running.agent.url}/-/ready`)).body.instances.find(problem)?.restarts, { timeout: 10_000 })
      .toBeGreaterThan(0);
    expect((await getJson(`${running.agent.url}/api/data/query?type=logs&source=good`)).body.count).toBe(1);
  });
});

describe('a bad configuration', () => {
  it('ends with 78 and every fault with its place', async () => {
    const file = join(place.folder, 'bad.yaml');
    await writeFile(
      file,
      'sources:\n  app:\n    use: json-lgs\n  other:\n    use: json-logs\n    pathz: [x]\n  third:\n    use: json-logs\n    paths: ["${NOT_SET_ANYWHERE}"]\nsinks:\n  api: { use: http-query-api, listen: 5 }\nsinkz: {}\n',
    );
    for (const command of ['run', 'check']) {
      const { code, stderr } = await runCli([command, '--config', file], place.folder);
      expect(code).toBe(78);
      expect(stderr).toMatch(/bad\.yaml:3:\d+ .*json-lgs.*json-logs/);
      expect(stderr).toMatch(/bad\.yaml:6:\d+ .*pathz.*paths/);
      expect(stderr).toMatch(/bad\.yaml:9:\d+ .*NOT_SET_ANYWHERE/);
      expect(stderr).toMatch(/bad\.yaml:11:\d+ .*listen/);
      expect(stderr).toMatch(/bad\.yaml:12:\d+ .*sinkz.*sinks/);
    }
    expect((await runCli(['run', '--config', join(place.folder, 'absent.yaml')], place.folder)).code).toBe(78);
  });
});
