import { appendFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getJson, logLine, type RunningAgent, repository, scratch, startAgent, writeConfig } from './agent.ts';

// One test for each fault of the first system: what it did wrong is the name, what ours does is the test.
let place: Awaited<ReturnType<typeof scratch>>;
let agent: RunningAgent;
let log: string;
let config: string;
const path = (name: string) => join(place.folder, name);
const query = (parameters: string) => getJson(`${agent.url}/api/data/query?${parameters}`);
const messages = (body: { data: { message: string }[] }) => body.data.map(({ message }) => message);

beforeAll(async () => {
  place = await scratch();
  log = path('app.json.log');
  await writeFile(`${log}.2.gz`, gzipSync(Array.from({ length: 10 }, (_, number) => logLine(`compressed ${number}`)).join('')));
  await writeFile(`${log}.1`, Array.from({ length: 10 }, (_, number) => logLine(`rotated ${number}`)).join(''));
  await writeFile(log, Array.from({ length: 5000 }, (_, number) => logLine(`line ${number}`)).join(''));
  await writeFile(path('hostile.json.log'), '');
  await writeFile(path('sick.sh'), 'echo "starting…"; echo \'{"status":"unhealthy","checks":{"db":"fail","disk":"ok"}}\'; exit 1');
  await writeFile(path('hangs.sh'), 'sleep 600 & sleep 600');
  config = await writeConfig(
    place.folder,
    `app: { use: json-logs, paths: ["${log}"] }
hostile: { use: json-logs, paths: ["${path('hostile.json.log')}"] }
sick: { use: health-script, command: [bash, "${path('sick.sh')}"] }
hangs: { use: health-script, command: [bash, "${path('hangs.sh')}"], timeout: 1s }`,
  );
  const text = await readFile(config, 'utf8');
  await writeFile(
    config,
    `${text}  store: { use: "${join(repository, 'test/integration/file-sink.ts')}", from: [app], file: "${path('store')}" }\n`,
  );
  await writeFile(path('store.down'), '');
  agent = await startAgent(place.folder, config);
});
afterAll(async () => {
  await agent?.kill('SIGKILL');
  await place.remove();
});

describe('the query path', () => {
  it('read from the oldest line and missed the newest', async () => {
    const { body } = await query('type=logs&source=app&limit=3');
    expect(messages(body)).toEqual(['line 4999', 'line 4998', 'line 4997']);
    expect(body.truncated).toBe(true);
  });

  it('ignored rotated files', async () => {
    const { body } = await query('type=logs&source=app&where=message~=ed&limit=100');
    expect(body.count).toBe(20);
    expect(messages(body)[0]).toBe('rotated 9');
    expect(messages(body).at(-1)).toBe('compressed 0');
  });

  it('answered 500 to [], 1, a numeric timestamp or bad UTF-8, and dropped malformed lines without a count', async () => {
    const now = Date.now() / 1000;
    const lines = ['[]', '1', `{"timestamp": ${now}, "message": "numeric"}`, 'half a li', '"text"', 'null', '{"message": "no time"}'];
    const badUtf8 = Buffer.concat([
      Buffer.from(`{"timestamp": ${now + 1}, "message": "bad `),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"}\n'),
    ]);
    await appendFile(path('hostile.json.log'), Buffer.concat([Buffer.from(`${lines.join('\n')}\n`), badUtf8]));
    const { status, body } = await query('type=logs&source=hostile&order=oldest');
    expect(status).toBe(200);
    expect(messages(body)).toEqual(['numeric', 'bad \ufffd\ufffd']);
    expect(body.note).toMatch(/6 .*lines? .*hostile\.json\.log at byte 0/);
  });

  it('stripped offsets instead of converting them', async () => {
    const { body: before } = await query('type=logs&source=hostile');
    const utc = new Date(Date.now() - 1_800_000);
    const local = `${new Date(utc.getTime() - 5 * 3_600_000).toISOString().slice(0, -1)}-05:00`;
    await appendFile(path('hostile.json.log'), `{"timestamp": "${local}", "message": "offset"}\n`);
    const { body } = await query('type=logs&source=hostile&from=-1h');
    expect(body.count).toBe(before.count + 1);
    expect(body.data.at(-1)).toEqual({ timestamp: local, message: 'offset' });
  });

  it.each([
    'days=-1',
    'days=0',
    'days=1e9',
    'days=x',
    'days=99999999999999999999',
    'limit=-5',
    'limit=0',
    'limit=10001',
    'limit=1.5',
    'limit=',
    'from=yesterday',
    'order=up',
    'cursor=x',
  ])('answered 500 or nothing to a bad number, and had no cap: %s', async (parameter) => {
    const { status, body } = await query(`type=logs&${parameter}`);
    expect(status).toBe(400);
    expect(body).toMatchObject({ status: 400, parameter: parameter.split('=')[0], error: expect.any(String), detail: expect.any(String) });
  });

  it('always failed its health query, took unhealthy for a server error, and did not catch a timeout', async () => {
    const { status, body } = await query('type=health');
    expect(status).toBe(200);
    expect(body.data.status).toBe('critical');
    expect(body.data.checks).toMatchObject({ db: 'critical', disk: 'ok' });
    expect(body.data.details.sick).toMatchObject({ exit_code: 1, status: 'critical' });
    expect(body.data.details.hangs).toMatchObject({ status: 'unknown' });
  });
});

describe('the handler that wrote to the store', () => {
  const stored = async () => (await readFile(path('store'), 'utf8').catch(() => '')).split('\n').filter(Boolean);
  const ids = async () => (await stored()).map((line) => line.slice(0, line.indexOf(' ')));

  it('raised when the store was down, and lost failed batches and what its queue had no room for', async () => {
    await expect.poll(() => agent.logged.join('\n'), { timeout: 10_000 }).toContain('the store is down');
    expect((await query('type=logs&source=app&limit=1')).status).toBe(200);
    await rm(path('store.down'));
    await expect.poll(async () => new Set(await ids()).size, { timeout: 20_000 }).toBe(5020);
  });

  it('never flushed a steady trickle', async () => {
    for (let number = 0; number < 5; number++) {
      await appendFile(log, logLine(`trickle ${number}`));
      await expect.poll(async () => (await stored()).at(-1), { timeout: 10_000 }).toContain(`trickle ${number}`);
    }
  });

  it('did not drain at close, and resumed nowhere', async () => {
    await appendFile(log, Array.from({ length: 2000 }, (_, number) => logLine(`late ${number}`)).join(''));
    expect(await agent.kill('SIGTERM')).toBe(0);
    agent = await startAgent(place.folder, config);
    await expect.poll(async () => new Set(await ids()).size, { timeout: 20_000 }).toBe(7025);
    const all = await ids();
    expect(all.length, 'a clean stop repeats nothing').toBe(new Set(all).size);
  });
});
