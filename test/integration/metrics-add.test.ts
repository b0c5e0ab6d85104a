import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../core/state/sqlite.ts';
import { cli, getJson, type RunningAgent, runCli, scratch, startAgent } from './agent.ts';

const TOKEN = 'the-token-of-this-very-test';
const ROW = ['--cycle-id', 'C-1', '--feature-id', 'login', '--phase', 'deployment', '--decision', 'go'];

let place: Awaited<ReturnType<typeof scratch>>;
let config: string;
let agent: RunningAgent | undefined;
beforeEach(async () => {
  place = await scratch();
  config = join(place.folder, 'cauce.yaml');
  await writeFile(
    config,
    `agent: { state: ./var }
sources:
  dora: { use: sqlite-metrics, path: ./var/metrics.db }
sinks:
  api: { use: http-query-api, listen: "127.0.0.1:0", write_token: "\${CAUCE_TOKEN:-}" }
`,
  );
});
afterEach(async () => {
  await agent?.kill('SIGKILL');
  agent = undefined;
  await place.remove();
});

const start = async () => {
  agent = await startAgent(place.folder, config, { CAUCE_TOKEN: TOKEN });
  return agent;
};
const rowsOf = async ({ url }: RunningAgent) => (await getJson(`${url}/api/data/query?type=metrics&days=36500&order=oldest`)).body.data;
const add = (args: readonly string[], env: NodeJS.ProcessEnv = { CAUCE_TOKEN: TOKEN }) =>
  runCli(['metrics', 'add', ...args], place.folder, env);

/** Runs the command with this text on its standard input. */
async function pipe(text: string, args: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const env = { ...process.env, CAUCE_TOKEN: TOKEN };
  const child = spawn(process.execPath, [cli, 'metrics', 'add', '--stdin', ...args], { cwd: place.folder, env, stdio: 'pipe' });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  child.stdin.end(text);
  await once(child, 'close');
  return { code: child.exitCode, stdout, stderr };
}

describe('cauce metrics add', () => {
  it('records a phase in one line', async () => {
    const { url } = await start();
    const more = [
      '--duration',
      '12.50',
      '--metadata',
      'branch=main',
      '--metadata',
      'tests_passed:=12',
      '--created-at',
      '2025-11-07T02:00:00Z',
    ];
    const first = await add([...ROW, ...more, '--url', url]);
    expect(first).toMatchObject({ code: 0, stdout: `added 1 of 1 to dora, by the agent at ${url}\n` });
    const again = await add([...ROW, ...more, '--url', url, '--json'], { CAUCE_TOKEN: `${TOKEN}\n` });
    expect(JSON.parse(again.stdout)).toEqual({ source: 'dora', count: 1, added: 0, present: 1 });
    expect(again.stderr).toContain(`by the agent at ${url}`);
    expect(await rowsOf(agent as RunningAgent)).toEqual([
      {
        id: 1,
        cycle_id: 'C-1',
        feature_id: 'login',
        phase_name: 'deployment',
        decision: 'go',
        duration_seconds: 12.5,
        metadata: { branch: 'main', tests_passed: 12 },
        created_at: '2025-11-07T02:00:00.000000Z',
      },
    ]);
  });

  it('says what is wrong, and no secret', async () => {
    const { url, logged } = await start();
    const file = join(place.folder, 'token');
    await writeFile(file, 'another-token-than-the-one\n');
    await chmod(file, 0o600);
    const said = await Promise.all([
      add([...ROW, '--url', url], { CAUCE_TOKEN: '' }),
      add([...ROW, '--url', url, '--token-file', file]),
      add([...ROW, '--url', url, '--token-file', '/nowhere']),
      add(['--cycle-id', 'C-1', '--url', url]),
      add([...ROW, '--field', 'color=red', '--url', url]),
      add([...ROW, '--metadata', 'a:=b', '--url', url]),
      add([...ROW, '--metadata', 'a=1', '--metadata', 'a=2', '--url', url]),
      add([...ROW, '--stdin', '--url', url]),
      add([...ROW, '--cycle-id', 'C-2', '--url', url]),
      add([...ROW.slice(0, 4), '--phase', '', '--decision', 'go', '--url', url]),
    ]);
    expect(said.map(({ code }) => code)).toEqual(said.map(() => 1));
    const texts = [
      'CAUCE_TOKEN or --token-file',
      'not the write_token',
      'ENOENT',
      'feature_id is missing',
      'no field "color"',
      'no JSON',
      'a is given twice',
      'mutually exclusive',
      '--cycle-id is given 2 times',
      '--phase is empty',
    ];
    for (const [index, text] of texts.entries()) expect(said[index]?.stderr).toContain(text);
    expect([...logged, JSON.stringify(said)].join('\n')).not.toMatch(/the-token-of-this|another-token/);
    expect(await rowsOf(agent as RunningAgent)).toEqual([]);
  });

  it('writes nowhere when no agent answers and none is named', async () => {
    const none = await fetch('http://127.0.0.1:8000/-/healthy').then(
      () => false,
      () => true,
    );
    // Somebody's agent at the default address would be added to.
    if (!none) return;
    const { code, stderr } = await add(ROW, { CAUCE_TOKEN: TOKEN, CAUCE_URL: '' });
    expect([code, stderr]).toEqual([
      1,
      'cauce: no agent answers at http://127.0.0.1:8000; name one with --url or CAUCE_URL, or a configuration with --config\n',
    ]);
    expect(await readdir(place.folder)).toEqual(['cauce.yaml']);
  });

  it('writes nothing through an agent that has no token', async () => {
    agent = await startAgent(place.folder, config);
    const { code, stderr } = await add([...ROW, '--url', agent.url]);
    expect([code, stderr]).toEqual([1, expect.stringContaining('writing is off; to switch it on, configure write_token')]);
  });

  it('reads any number of rows, with or without a running agent', async () => {
    const row = (index: number) =>
      JSON.stringify({
        cycle_id: `C-${index}`,
        feature_id: 'f',
        phase_name: 'planning',
        decision: 'go',
        created_at: '2025-11-07T02:00:00Z',
      });
    const lines = Array.from({ length: 2500 }, (_, index) => row(index));
    const alone = await pipe(`${lines.slice(0, 1500).join('\n')}\n\n`, ['--config', config]);
    expect(alone).toMatchObject({ code: 0, stdout: `added 1500 of 1500 to dora, by the sources of ${config}\n` });
    const { url } = await start();
    const rest = await pipe(lines.join('\r\n'), ['--url', url]);
    expect(rest).toMatchObject({ code: 0, stdout: `added 1000 of 2500 to dora, by the agent at ${url}; 1500 were there already\n` });
    const nothing = await pipe('\n\n', ['--url', 'http://127.0.0.1:1']);
    expect(nothing).toMatchObject({ code: 0, stderr: 'there is nothing to add\n' });
    const faulty = [...lines.slice(0, 1200), '', row(1).replace('planning', 'x'.repeat(51))].join('\n');
    const refused = await pipe(faulty, ['--url', url]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/line 1202: .*phase_name has 51 characters/);
    expect((await pipe('{"a":1}\n[]', ['--url', url])).stderr).toContain('line 2 is no JSON object');
  });
});

describe('an agent that is killed', () => {
  const key = ['--idempotency-key', 'build-42'];

  it('before a row is written has pinned its time, so that a retry adds it once', async () => {
    const { url } = await start();
    const before = new Date().toISOString();
    const holder = openDatabase(join(place.folder, 'var/metrics.db'));
    holder.exec('BEGIN IMMEDIATE');
    const sent = add([...ROW, ...key, '--url', url]);
    const state = openDatabase(join(place.folder, 'var/state.db'), { readOnly: true });
    const pinned = state.prepare("SELECT count(*) AS n FROM key_value WHERE key LIKE 'idempotency:%'");
    await expect.poll(() => Number(pinned.get()?.['n']), { timeout: 10_000 }).toBe(1);
    await agent?.kill('SIGKILL');
    state.close();
    holder.exec('ROLLBACK');
    holder.close();
    expect((await sent).code).toBe(1);
    const after = new Date().toISOString();
    const second = await start();
    expect((await add([...ROW, ...key, '--url', second.url])).stdout).toContain('added 1 of 1');
    expect((await add([...ROW, ...key, '--url', second.url])).stdout).toContain('1 were there already');
    const rows = await rowsOf(second);
    expect(rows).toHaveLength(1);
    expect(rows[0].created_at > before && rows[0].created_at < after).toBe(true);
  });

  it('at any moment leaves the row once or not at all, and a retry makes it once', async () => {
    for (let round = 0; round < 3; round++) {
      const { url } = await start();
      const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', 'idempotency-key': `k${round}` };
      const body = JSON.stringify({ cycle_id: `R-${round}`, feature_id: 'f', phase_name: 'deployment', decision: 'go' });
      const sent = fetch(`${url}/api/data/metrics`, { method: 'POST', headers, body }).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, round * 6));
      await agent?.kill('SIGKILL');
      await sent;
      const again = await start();
      expect((await fetch(`${again.url}/api/data/metrics`, { method: 'POST', headers, body })).status).toBe(201);
      expect((await rowsOf(again)).filter(({ cycle_id }: { cycle_id: string }) => cycle_id === `R-${round}`)).toHaveLength(1);
      await agent?.kill('SIGKILL');
    }
  });
});
