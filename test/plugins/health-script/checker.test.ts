import { afterEach, beforeEach, expect, test } from 'vitest';
import { runOf } from '../../../core/conformance/stand.ts';
import type { Draft } from '../../../core/contract/index.ts';
import { bodyOf, Stage } from './stage.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await Stage.open();
});
afterEach(() => stage.close());

const RUN = `echo run >> runs; echo '{"status":"ok","checks":{"disk":"ok"}}'`;
/** Runs until the file `go` is there. */
const WAITING_RUN = `echo begun >> begun; until [ -e go ]; do sleep 0.02; done; ${RUN}`;

async function until(what: () => Promise<number>, count: number): Promise<void> {
  await expect.poll(what, { timeout: 10_000, interval: 20 }).toBeGreaterThanOrEqual(count);
}

test('who asks at the same time shares one run', async () => {
  const command = await stage.script(WAITING_RUN);
  const source = stage.source({ command, cwd: stage.folder });
  const asked = Promise.all(Array.from({ length: 20 }, () => source.latest(runOf(new AbortController().signal))));
  await stage.script('', 'go');
  const answers = await asked;
  expect(await stage.runs()).toBe(1);
  expect(new Set(answers.map(([draft]) => draft?.id)).size).toBe(1);
});

test('who gives up waiting does not end the run of the others', async () => {
  const command = await stage.script(WAITING_RUN);
  const source = stage.source({ command, cwd: stage.folder });
  const impatient = new AbortController();
  const first = expect(source.latest(runOf(impatient.signal))).rejects.toThrow('enough');
  const second = stage.latest(source);
  await until(async () => (await stage.lines('begun')).length, 1);
  impatient.abort(new Error('enough'));
  await first;
  await stage.script('', 'go');
  expect(await second).toMatchObject({ status: 'ok' });
  expect(await stage.runs()).toBe(1);
});

test('a young result is told again, with its age', async () => {
  const command = await stage.script(RUN);
  const source = stage.source({ command, cwd: stage.folder, cache: '1h' });
  const first = await stage.latest(source);
  expect(first.details.age_seconds).toBeGreaterThanOrEqual(0);
  await expect
    .poll(async () => (await stage.latest(source)).details.age_seconds, { timeout: 10_000, interval: 20 })
    .toBeGreaterThan(first.details.age_seconds + 0.1);
  const again = await stage.latest(source);
  expect(again).toEqual({ ...first, details: { ...first.details, age_seconds: again.details.age_seconds } });
  expect(await stage.runs()).toBe(1);
});

test('a result that is too old is not told', async () => {
  const command = await stage.script(RUN);
  const source = stage.source({ command, cwd: stage.folder, cache: '50ms' });
  await stage.latest(source);
  await until(async () => {
    await stage.latest(source);
    return stage.runs();
  }, 3);
});

test('every run is recorded once, whoever asked for it', async () => {
  const command = await stage.script(RUN);
  const source = stage.source({ command, cwd: stage.folder, every: '100ms', cache: '0s' });
  const ids = new Set<string>();
  await stage.latest(source);
  const controller = new AbortController();
  const recorded: Draft[] = [];
  const receiving = source.receive(async (drafts) => void recorded.push(...drafts), controller.signal);
  await until(async () => {
    for (const draft of await source.latest(runOf(controller.signal))) ids.add(draft.id);
    return recorded.length;
  }, 12);
  controller.abort();
  await receiving;
  // A run that was under way at the end is told to nobody yet.
  const known = new Set(recorded.map(({ id }) => id));
  expect(known.size).toBe(recorded.length);
  for (const id of ids) expect(known).toContain(id);
  expect((await stage.runs()) - recorded.length).toBeLessThanOrEqual(1);
  const times = recorded.map(({ time }) => time);
  expect([...times].sort((a, b) => a - b)).toEqual(times);
  expect(bodyOf(recorded[0]).details.age_seconds).toBeUndefined();
});

test('latest() and the periodic runs share the cache', async () => {
  const command = await stage.script(RUN);
  const source = stage.source({ command, cwd: stage.folder });
  await stage.latest(source);
  const controller = new AbortController();
  const recorded: Draft[] = [];
  const receiving = source.receive(async (drafts) => void recorded.push(...drafts), controller.signal);
  await until(async () => recorded.length, 1);
  await stage.latest(source);
  controller.abort();
  await receiving;
  expect(await stage.runs()).toBe(1);
});

test('a record that cannot be kept fails the source', async () => {
  const command = await stage.script(RUN);
  const source = stage.source({ command, cwd: stage.folder });
  const full = async () => {
    throw new Error('disk full');
  };
  await expect(source.receive(full, new AbortController().signal)).rejects.toMatchObject({
    code: 'ERR_RETRYABLE',
    cause: new Error('disk full'),
  });
});

test('a run is known by instance and time', async () => {
  const command = await stage.script(RUN);
  const one = stage.source({ command, cwd: stage.folder, cache: '1h' });
  const [draft] = await one.latest(runOf(new AbortController().signal));
  const [again] = await one.latest(runOf(new AbortController().signal));
  expect(draft?.id).toBe(again?.id);
  expect(draft?.id).toMatch(/^[0-9a-z]+\.[\w-]{16}$/);
});

test('a probe tells whether its answer is understood', async () => {
  const good = stage.source({ command: await stage.script(`echo '{"checks":{"disk":"fail"}}'`, 'good.sh') });
  expect(await good.probe(new AbortController().signal)).toMatchObject({
    ok: true,
    detail: expect.stringMatching(/^good\.sh answered in \d+ ms: critical, checks: 1$/),
  });
  const bad = stage.source({ command: ['bash', stage.path('none.sh')], dialect: 'nagios' });
  expect(await bad.probe(new AbortController().signal)).toMatchObject({ ok: false, detail: expect.stringContaining('exit code 127') });
});
