import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cli, getJson, logLine, type RunningAgent, repository, runCli, scratch, startAgent, writeConfig } from './agent.ts';
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

async function beside(bad: string): Promise<{ agent: RunningAgent; log: string; config: string }> {
  const log = join(place.folder, 'good.json.log');
  await writeFile(log, logLine('a good line'));
  const config = await writeConfig(place.folder, `good: { use: json-logs, paths: ["${log}"] }\nbad: { use: "${BAD}", ${bad} }`);
  const text = await readFile(config, 'utf8');
  await writeFile(config, text.replace('log: { level: info }', 'log: { level: info }, query: { deadline: 1s }'));
  agent = await startAgent(place.folder, config);
  return { agent, log, config };
}

const problem = (one: { name: string }) => one.name === 'bad';

describe('a plugin that misbehaves', () => {
  it.each([
    ['at: create', /thrown in create/, 'failed'],
    ['at: start', /thrown in start/, 'failed'],
    ['at: start, how: hangs', /starting|it is (starting|waiting)/, 'failed'],
    ['at: query', /thrown in query/, 'failed'],
    ['at: query, how: hangs', /1 s|1000|deadline/, 'timeout'],
    ['at: start, how: weird', /cannot be shown/, 'failed'],
    ['at: query, how: weird', /cannot be shown/, 'failed'],
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

  it('hangs in every query: after three of them answers do not wait for it, and say so; a reload of it begins anew', async () => {
    const running = await beside('at: query, how: hangs');
    const ask = async () => (await getJson(`${running.agent.url}/api/data/query?type=logs`)).body;
    for (let times = 0; times < 3; times++) expect((await ask()).sources.find(problem)).toMatchObject({ status: 'timeout' });
    const body = await ask();
    expect(body.data.map(({ message }: { message: string }) => message)).toEqual(['a good line']);
    expect(body.sources.find(problem)).toMatchObject({
      status: 'timeout',
      took_ms: 0,
      error: expect.stringMatching(/^is not asked: .*1000 ms/),
    });
    expect(body.note).toMatch(/partial: bad: is not asked: it failed 3 times in a row/);
    const metrics = async () => (await fetch(`${running.agent.url}/metrics`)).text();
    expect(await metrics()).toMatch(/^cauce_source_circuit_open\{source="bad"\} 1$/m);
    expect(await metrics()).toMatch(/^cauce_source_circuit_open\{source="good"\} 0$/m);
    const text = await readFile(running.config, 'utf8');
    await writeFile(running.config, text.replace('at: query, how: hangs', 'at: follow'));
    await expect.poll(async () => (await ask()).sources.find(problem)?.status, { timeout: 10_000 }).toBe('ok');
  });

  it.each(['at: follow', 'at: follow, how: weird', 'at: follow, how: hangs', 'at: create', 'at: start, how: hangs'])(
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

  it.each(['start', 'query', 'follow'])(
    'leaves a stray rejection behind in %s: it is blamed by name and restarted, and nobody else notices',
    async (at) => {
      const running = await beside(`at: ${at}, how: strays`);
      client = new StreamClient(() => running.agent.url);
      await expect.poll(() => client?.caughtUp, { timeout: 10_000 }).toBeGreaterThan(0);
      await getJson(`${running.agent.url}/api/data/query?type=logs`);
      const blamed = new RegExp(`"instance":"bad","error":"a stray rejection of ${at}".*left uncaught by this plugin`);
      await expect.poll(() => running.agent.logged.join('\n'), { timeout: 10_000 }).toMatch(blamed);
      const instances = async () => (await getJson(`${running.agent.url}/-/ready`)).body.instances as { name: string; restarts: number }[];
      await expect.poll(async () => (await instances()).find(problem)?.restarts, { timeout: 10_000 }).toBeGreaterThan(0);
      expect((await instances()).filter(({ name }) => name !== 'bad').map(({ restarts }) => restarts)).toEqual([0, 0, 0]);
      expect((await getJson(`${running.agent.url}/api/data/query?type=logs&source=good`)).body.count).toBe(1);
    },
  );

  it('leaves one behind after it was configured no more: it is blamed all the same', async () => {
    const running = await beside('at: stop');
    const text = await readFile(running.config, 'utf8');
    await writeFile(running.config, text.replace(/^ +bad: .*$/m, ''));
    await expect
      .poll(() => running.agent.logged.join('\n'), { timeout: 10_000 })
      .toMatch(/a stray rejection of stop.*left uncaught by this plugin/);
    expect((await getJson(`${running.agent.url}/api/data/query?type=logs`)).body.count).toBe(1);
  });

  it('answers a promise from create: it is told what create must be', async () => {
    const running = await beside('at: async');
    const { body } = await getJson(`${running.agent.url}/api/data/query?type=logs`);
    expect(body.sources.find(problem)).toMatchObject({ status: 'failed', error: expect.stringMatching(/create\(\).*must not be async/) });
  });

  it('floods what it receives: the agent answers, and ends when it is told to', async () => {
    const running = await beside('at: flood');
    expect((await getJson(`${running.agent.url}/api/data/query?type=logs&source=good`)).body.count).toBe(1);
    expect(await running.agent.kill('SIGTERM')).toBe(0);
  });

  it('hands over what is no JSON: it is told so, and what came before can be read', async () => {
    const running = await beside('at: poison');
    await expect
      .poll(() => running.agent.logged.join('\n'), { timeout: 10_000 })
      .toMatch(/refused: the plugin breaks a rule of the contract/);
    const { body } = await getJson(`${running.agent.url}/api/data/query?type=logs`);
    expect(body.data.map(({ message }: { message: string }) => message).sort()).toEqual(['a good line', 'before the poison']);
  });

  it.each(['throw new Error("at load")', 'await new Promise(() => undefined)', 'setTimeout(() => { throw new Error("later") }, 100)'])(
    'is a module that does not load on a reload (%s): nothing changes, and the agent still ends',
    async (code) => {
      const running = await beside('at: query');
      await writeFile(join(place.folder, 'module.ts'), `${code}\nexport default 1`);
      await appendFile(running.config, `  other: { use: "${join(place.folder, 'module.ts')}" }\n`);
      await expect.poll(() => running.agent.logged.join('\n'), { timeout: 20_000 }).toMatch(/the new configuration is not used/);
      expect((await getJson(`${running.agent.url}/api/data/query?type=logs`)).body.count).toBe(1);
      expect(await running.agent.kill('SIGTERM')).toBe(0);
    },
  );
});

describe('a sink that misbehaves', () => {
  const BAD_SINK = join(repository, 'test/integration/misbehaving-sink.ts');

  async function besideSink(options: string): Promise<{ agent: RunningAgent; config: string }> {
    const log = join(place.folder, 'good.json.log');
    await writeFile(log, logLine('a good line'));
    const config = await writeConfig(place.folder, `good: { use: json-logs, paths: ["${log}"] }`);
    await appendFile(config, `  bad: { use: "${BAD_SINK}", ${options} }\n`);
    agent = await startAgent(place.folder, config);
    return { agent, config };
  }

  it('throws in a listener: it is blamed, and queries are answered', async () => {
    const running = await besideSink('how: listener');
    for (let times = 0; times < 3; times++) expect((await getJson(`${running.agent.url}/api/data/query?type=logs`)).body.count).toBe(1);
    await expect.poll(() => running.agent.logged.join('\n'), { timeout: 10_000 }).toMatch(/thrown in a listener/);
  });

  it.each(['/bad/sync', '/bad/stray'])('throws in a handler, %s: the client is answered, and nobody else is blamed', async (path) => {
    const running = await besideSink('how: handler');
    expect((await getJson(`${running.agent.url}${path}`)).status).toBe(500);
    await expect.poll(() => running.agent.logged.join('\n'), { timeout: 10_000 }).toMatch(/"sink":"bad".*thrown in a handler/);
    const { body } = await getJson(`${running.agent.url}/-/ready`);
    expect(body.instances.filter(({ name, restarts }: { name: string; restarts: number }) => name !== 'bad' && restarts > 0)).toEqual([]);
  });

  it('writes slowly while it is reconfigured: never twice at a time', async () => {
    const file = join(place.folder, 'writes');
    const running = await besideSink(`how: slow, file: "${file}", tag: one`);
    const noted = async () => (await readFile(file, 'utf8').catch(() => '')).split('\n').filter(Boolean);
    await expect.poll(noted, { timeout: 10_000 }).toEqual(['begin one']);
    const text = await readFile(running.config, 'utf8');
    await writeFile(running.config, text.replace('tag: one', 'tag: two'));
    await expect.poll(() => running.agent.logged.join('\n'), { timeout: 10_000 }).toContain('"reloaded"');
    await appendFile(join(place.folder, 'good.json.log'), logLine('another'));
    await expect.poll(noted, { timeout: 10_000 }).toEqual(['begin one', 'end one', 'begin two', 'end two']);
  });

  it('hangs in start: the agent still ends at once when it is told to', async () => {
    const log = join(place.folder, 'good.json.log');
    await writeFile(log, logLine('a good line'));
    const config = await writeConfig(place.folder, `good: { use: json-logs, paths: ["${log}"] }`);
    await appendFile(config, `  bad: { use: "${BAD_SINK}", how: hangs }\n`);
    const child = spawn(process.execPath, [cli, 'run', '--config', config], { cwd: place.folder, stdio: ['ignore', 'ignore', 'pipe'] });
    let logged = '';
    child.stderr.on('data', (chunk) => {
      logged += chunk;
    });
    await expect.poll(() => logged, { timeout: 10_000 }).toContain('"listening"');
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    expect(code).toBe(0);
    expect(logged).not.toContain('"started"');
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
