import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Change, draft } from '../../core/contract/index.ts';
import { openDatabase } from '../../core/state/sqlite.ts';
import { openState } from '../../core/state/state.ts';
import { getJson, type RunningAgent, runCli, scratch, startAgent } from './agent.ts';

const DAY_MS = 86_400_000;
const PLUGIN = `
import { existsSync, writeFileSync } from 'node:fs';
import { defineSource, z } from 'cauce/plugin';
export default defineSource({
  name: 'shop',
  summary: 'A store that has to be made first',
  apiVersion: 1,
  options: z.strictObject({ file: z.string() }),
  create: ({ options: { file } }) => ({
    type: 'metrics',
    async start() {
      if (!existsSync(file)) throw new Error('there is no store yet');
    },
    schema: {
      async apply({ dryRun }) {
        if (existsSync(file)) return [];
        if (!dryRun) writeFileSync(file, '');
        return [{ what: 'create the store', count: 1 }];
      },
    },
  }),
});
`;

let place: Awaited<ReturnType<typeof scratch>>;
let agent: RunningAgent;
let config: string;
const path = (name: string) => join(place.folder, name);
const line = (days: number) =>
  `${JSON.stringify({ timestamp: new Date(Date.now() - days * DAY_MS).toISOString(), level: 'INFO', message: `${days}` })}\n`;
const cauce = (...args: string[]) => runCli([...args, '--config', config], place.folder);
const logFiles = async () => (await readdir(place.folder)).filter((name) => name.startsWith('app.json.log')).sort();

beforeAll(async () => {
  place = await scratch();
  config = path('cauce.yaml');
  for (const [number, days] of [0, 3, 45, 60].entries()) await writeFile(path(`app.json.log${number ? `.${number}` : ''}`), line(days));
  await writeFile(path('check.sh'), 'echo \'{"status":"healthy","checks":{"disk":"ok"}}\'');
  await writeFile(path('shop.ts'), PLUGIN);
  await writeFile(
    config,
    `agent: { state: ./var, retention: { schedule: "" } }
sources:
  app: { use: json-logs, paths: ["${path('app.json.log')}"], keep: { age: 30d }, owner: "team a" }
  machine: { use: health-script, command: [bash, "${path('check.sh')}"], history: 30d }
  dora: { use: sqlite-metrics, path: "${path('metrics.db')}", keep: 90d }
  shop: { use: "${path('shop.ts')}", file: "${path('shop.db')}" }
sinks:
  api: { use: http-query-api, listen: "127.0.0.1:0" }
`,
  );
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const state = await openState(path('var'), { log: silent, exclusive: false });
  const old = [100, 45, 31.9].map((days) => draft({ status: 'ok', checks: {}, days }, { time: (Date.now() - days * DAY_MS) * 1000 }));
  await state.journal('machine').append(old);
  state.close();
  expect((await cauce('schema', 'apply', '--source', 'dora')).code).toBe(0);
  const database = openDatabase(path('metrics.db'));
  const insert = database.prepare(
    'INSERT INTO dora_metrics (cycle_id, feature_id, phase_name, decision, created_at) VALUES (?, ?, ?, ?, ?)',
  );
  for (const days of [1, 80, 95, 400]) {
    const time = new Date(Date.now() - days * DAY_MS).toISOString().replace('T', ' ').replace('Z', '000');
    insert.run(`c-${days}`, 'f', 'deployment', 'go', time);
  }
  database.close();
  agent = await startAgent(place.folder, config);
});
afterAll(async () => {
  await agent?.kill('SIGKILL');
  await place.remove();
});

interface Run {
  readonly dry_run: boolean;
  readonly results: readonly { readonly source: string; readonly changes: readonly Change[]; readonly error?: string }[];
}
const runOf = ({ stdout }: { stdout: string }) => JSON.parse(stdout) as Run;

describe('cauce retention', () => {
  it('lists in a dry run what it then does beside the running agent, which shows it', async () => {
    const only = ['app', 'machine', 'dora'].flatMap((name) => ['--source', name]);
    const dry = await cauce('retention', 'apply', '--dry-run', '--json', ...only);
    expect(dry).toMatchObject({ code: 0, stderr: '' });
    expect(await logFiles()).toHaveLength(4);
    expect((await getJson(`${agent.url}/api/data/retention`)).body.last).toBeNull();

    const real = await cauce('retention', 'apply', '--json', ...only);
    expect(real.code).toBe(0);
    expect(runOf(real).results).toEqual(runOf(dry).results);
    expect(runOf(real).results.map(({ source, changes }) => [source, changes.map(({ count }) => count)])).toEqual([
      ['app', [1, 1]],
      ['machine', [3]],
      ['dora', [2]],
    ]);
    expect(await logFiles()).toEqual(['app.json.log', 'app.json.log.1']);
    expect((await getJson(`${agent.url}/api/data/query?type=metrics&source=dora&days=3650`)).body.count).toBe(2);

    const { body } = await getJson(`${agent.url}/api/data/retention`);
    expect(body).toMatchObject({ schedule: null, next: null, last: { dry_run: false, results: runOf(real).results } });
    expect(body.policies).toContainEqual({ source: 'machine', type: 'health', policy: 'entries older than 30 days are deleted' });
    const metrics = await (await fetch(`${agent.url}/metrics`)).text();
    expect(metrics).toMatch(/^cauce_retention_last_run_timestamp_seconds \d/m);
    expect(metrics).toContain('cauce_retention_last_changes{source="machine"} 3');
  });

  it('prints policies by data type, and ends with 1 when one could not be applied', async () => {
    const { code, stdout } = await cauce('retention', 'apply', '--dry-run');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^logs\n {2}app: rotated files are deleted when .* 30 days\n {4}nothing to do$/m);
    expect(stdout).toMatch(/^health\n {2}machine: entries older than 30 days are deleted\n {4}nothing to do$/m);
    expect(stdout).toMatch(/shop: not known while it is not running\n {4}there is no store yet/);
    expect(stdout).toContain('[DRY RUN] nothing was changed');
  });

  it('shows the policies and the last run', async () => {
    const { code, stdout } = await runCli(['retention', 'show', '--url', agent.url], place.folder);
    expect(code).toBe(0);
    expect(stdout).toMatch(/machine.*entries older than 30 days are deleted/);
    expect(stdout).toMatch(
      /last applied: 20.*\n[\s\S]*did delete .*app\.json\.log\.2 .*\n[\s\S]*did delete journal entries before .* \(3\)/,
    );
  });

  it('refuses a source that is none, and a schedule that is no schedule', async () => {
    expect(await cauce('retention', 'apply', '--source', 'ap')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('did you mean app?'),
    });
    const wrong = path('wrong.yaml');
    await writeFile(wrong, (await readFile(config, 'utf8')).replace('schedule: ""', 'schedule: nightly'));
    const { code, stderr } = await runCli(['retention', 'show', '--config', wrong], place.folder);
    expect(code).toBe(78);
    expect(stderr).toMatch(/wrong\.yaml:1:\d+.*agent\.retention\.schedule.*cron expression/s);
  });
});

describe('cauce schema apply', () => {
  it('makes the store of a source that cannot start without it, after a dry run that says so', async () => {
    const dry = await cauce('schema', 'apply', '--source', 'shop', '--dry-run');
    expect(dry).toMatchObject({ code: 0, stdout: 'would create the store\n[DRY RUN] nothing was changed\n' });
    expect(await readdir(place.folder)).not.toContain('shop.db');
    expect(await cauce('schema', 'apply', '--source', 'shop')).toMatchObject({ code: 0, stdout: 'did create the store\n' });
    expect(await cauce('schema', 'apply', '--source', 'shop', '--json')).toMatchObject({ code: 0 });
    expect(await readdir(place.folder)).toContain('shop.db');
  });

  it('says which sources there are, and which have a schema', async () => {
    const none = await cauce('schema', 'apply', '--source', 'app');
    expect(none).toMatchObject({ code: 1, stderr: expect.stringMatching(/app \(json-logs\) has no schema .*these do: dora, shop/) });
    const unknown = await cauce('schema', 'apply', '--source', 'shp');
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('did you mean shop?') });
  });
});

describe('cauce catalog', () => {
  it('tells what there is, the same through the API and for people', async () => {
    const { body } = await getJson(`${agent.url}/api/data/catalog`);
    expect(body.sources.map(({ name, owner }: { name: string; owner: string | null }) => [name, owner])).toEqual([
      ['app', 'team a'],
      ['machine', null],
      ['dora', null],
      ['shop', null],
    ]);
    expect(body.sources[0]).toMatchObject({
      use: 'json-logs',
      feeds: [{ sink: 'api', use: 'http-query-api', how: 'read' }],
      quality: { parts: { completeness: { score: 100 } } },
      volume: { bytes: expect.any(Number), newest: expect.stringMatching(/Z$/) },
    });
    const { code, stdout } = await runCli(['catalog', '--url', agent.url], place.folder);
    expect(code).toBe(0);
    expect(stdout).toMatch(/app .*json-logs .*running .*team a/);
    expect(stdout).toMatch(/backup +not backed up/);
  });
});
