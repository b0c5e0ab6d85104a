import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli, logLine, type RunningAgent, repository, runCli, scratch, startAgent, writeConfig } from './agent.ts';

let place: Awaited<ReturnType<typeof scratch>>;
let agent: RunningAgent;
let config: string;
let log: string;
beforeAll(async () => {
  place = await scratch();
  log = join(place.folder, 'app.json.log');
  await writeFile(log, logLine('quick', { duration_ms: 3 }) + logLine('slow', { duration_ms: 700, note: 'esc\u001b[31mape' }));
  config = await writeConfig(place.folder, `app: { use: json-logs, paths: ["${log}"] }`);
  agent = await startAgent(place.folder, config);
});
afterAll(async () => {
  await agent.kill('SIGKILL');
  await place.remove();
});

describe('cauce', () => {
  it('asks a running agent, and opens the sources itself, with the same answer', async () => {
    const asked = await runCli(['query', 'logs', '--url', agent.url, '--json', '--where', 'duration_ms>=500'], place.folder);
    const opened = await runCli(['query', 'logs', '--config', config, '--json', '--where', 'duration_ms>=500'], place.folder);
    for (const { code, stdout } of [asked, opened]) {
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ query_type: 'logs', count: 1, data: [{ message: 'slow' }] });
    }
  });

  it('prints lines for people, without colours and escapes when it is no terminal', async () => {
    const { stdout, stderr } = await runCli(['query', 'logs', '--url', agent.url, '--from', '2026-01-01'], place.folder);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(' ').slice(-3).join(' ')),
    ).toEqual([expect.stringContaining('quick'), expect.stringContaining('slow')]);
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toContain('esc\\u001b[31mape');
    expect(stderr).toContain('2 rows from JSON log file');
  });

  it('shows what the agent refuses, and an agent that is not there', async () => {
    const wrong = await runCli(['query', 'lgs', '--url', agent.url], place.folder);
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('metrics, logs, health') });
    const nobody = await runCli(['query', 'logs', '--url', 'http://127.0.0.1:9'], place.folder);
    expect(nobody).toMatchObject({ code: 1, stderr: expect.stringMatching(/no agent answers at .*cauce run/) });
  });

  it('tails what is appended, with conditions', async () => {
    const tail = spawn(process.execPath, [cli, 'tail', 'logs', '--url', agent.url, '--where', 'message^=new'], { cwd: place.folder });
    let out = '';
    tail.stdout.on('data', (chunk) => {
      out += chunk;
    });
    let number = 0;
    await expect
      .poll(
        async () => {
          await appendFile(log, logLine('other') + logLine(`new ${number++}`));
          return out;
        },
        { timeout: 15_000, interval: 200 },
      )
      .toMatch(/new \d+/);
    expect(out).not.toContain('other');
    tail.kill('SIGINT');
    await new Promise((resolve) => tail.once('exit', resolve));
  });

  it('checks: a table for people, JSON for machines, 1 when something does not answer', async () => {
    const good = await runCli(['check', '--config', config], place.folder);
    expect(good).toMatchObject({ code: 0, stdout: expect.stringMatching(/app.*json-logs/) });
    const bad = join(place.folder, 'script.yaml');
    await writeFile(bad, 'sources:\n  gone: { use: health-script, command: [/no/such/script] }\nsinks:\n  api: { use: http-query-api }\n');
    const { code, stdout } = await runCli(['check', '--config', bad, '--json'], place.folder);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      instances: [
        { name: 'gone', ok: false, detail: expect.stringContaining('/no/such/script') },
        { name: 'api', ok: true },
      ],
    });
  });

  it('says what is wrong with a configuration to machines too', async () => {
    const bad = join(place.folder, 'bad.yaml');
    await writeFile(bad, 'sources:\n  a: { use: json-lgs }\n');
    const { code, stdout } = await runCli(['check', '--config', bad, '--json'], place.folder);
    expect(code).toBe(78);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, issues: [{ line: 2, path: 'sources.a.use' }] });
  });

  it('probes where sinks would listen', async () => {
    const file = join(place.folder, 'listen.yaml');
    await writeFile(
      file,
      `sources:\n  app: { use: json-logs, paths: ["${log}"] }\nsinks:\n  far: { use: http-query-api, listen: "192.0.2.1:8000" }\n`,
    );
    const { code, stdout } = await runCli(['check', '--config', file], place.folder);
    expect(code).toBe(1);
    expect(stdout).toMatch(/this machine has no address 192\.0\.2\.1:8000/);
    const shared = join(place.folder, 'shared.yaml');
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    const listen = `listen: "127.0.0.1:${port}"`;
    await writeFile(
      shared,
      `sources: {}\nsinks:\n  api: { use: http-query-api, ${listen} }\n  stream: { use: websocket-stream, ${listen} }\n`,
    );
    const both = JSON.parse((await runCli(['check', '--config', shared, '--json'], place.folder)).stdout);
    const detail = `can listen on 127.0.0.1:${port}`;
    expect(both).toMatchObject({ ok: true, instances: [{ detail }, { detail }] });
  });

  it('names a plugin that leaves an error uncaught, and goes on', async () => {
    const file = join(place.folder, 'stray.yaml');
    const plugin = join(repository, 'test/integration/misbehaving-source.ts');
    await writeFile(
      file,
      `sources:\n  app: { use: json-logs, paths: ["${log}"] }\n  bad: { use: "${plugin}", at: query, how: strays }\nsinks: {}\n`,
    );
    const { code, stdout } = await runCli(['query', 'logs', '--config', file], place.folder);
    expect(code).toBe(0);
    expect(stdout).toContain('quick');
  });

  it('takes a relative time as people write it', async () => {
    const { code, stdout } = await runCli(
      ['query', 'logs', '--url', agent.url, '--from', '-2h', '--level', 'info', '-n', '1'],
      place.folder,
    );
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(1);
  });

  it('lists plugins, and helps who mistypes', async () => {
    expect((await runCli(['plugin', 'list'], place.folder)).stdout).toMatch(/json-logs[\s\S]*http-query-api/);
    expect(await runCli(['qury', 'logs'], place.folder)).toMatchObject({ code: 1, stderr: expect.stringContaining('query') });
    expect((await runCli(['--version'], place.folder)).stdout.trim()).toMatch(/^\d+\.\d+\.\d+$/);
  });
});
