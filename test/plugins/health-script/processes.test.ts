import { afterEach, beforeEach, expect, test } from 'vitest';
import { memoryState } from '../../../core/conformance/stand.ts';
import { alive, Stage } from './stage.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await Stage.open();
});
afterEach(() => stage.close());

const REPORT = `echo '{"status":"ok","checks":{"disk":"ok"}}'`;
/** Longer than any test may take: who waits for it is found out. */
const FOREVER = 'sleep 300';

test('a hanging script and all that it started are ended', async () => {
  const body = await stage.run(`${FOREVER} & echo $! >> pids; (${FOREVER}) & echo $! >> pids; echo $$ >> pids; echo waiting >&2; wait`, {
    cwd: stage.folder,
    timeout: '1500ms',
  });
  expect(body).toMatchObject({ status: 'unknown', checks: {}, details: { exit_code: null, signal: 'SIGTERM', stderr: ['waiting'] } });
  expect(body.details.notes[0]).toBe('it did not end within 1.5 s; its whole process group was ended');
  await stage.noneAlive(3);
});

test('a script that does not listen to SIGTERM is killed', async () => {
  const body = await stage.run(
    `trap '' TERM; echo $$ >> pids; (trap '' TERM; echo ready; ${FOREVER}) & echo $! >> pids; while :; do ${FOREVER}; done`,
    {
      cwd: stage.folder,
      timeout: '1500ms',
    },
  );
  expect(body).toMatchObject({ status: 'unknown', details: { signal: 'SIGKILL' } });
  await stage.noneAlive(2);
});

test('a hanging script that has said that it is critical is not called better than that', async () => {
  const body = await stage.run(`echo '{"status":"critical"}'; ${FOREVER}`, { timeout: '1500ms' });
  expect(body.status).toBe('critical');
  expect((await stage.run(`${REPORT}; ${FOREVER}`, { timeout: '1500ms' })).status).toBe('unknown');
});

test('a grandchild that holds the pipe does not delay the answer, and is ended', async () => {
  const body = await stage.run(`${FOREVER} & echo $! >> pids; ${REPORT}`, { cwd: stage.folder });
  expect(body).toMatchObject({ status: 'ok', checks: { disk: 'ok' }, details: { exit_code: 0, signal: null } });
  expect(body.details.notes.join()).toContain('held its output open');
  await stage.noneAlive(1);
});

test('a grandchild that goes on printing does not delay the answer either', async () => {
  const body = await stage.run(`${REPORT}; (while :; do echo more; sleep 0.02; done) & echo $! >> pids`, { cwd: stage.folder });
  expect(body).toMatchObject({ status: 'ok', details: { exit_code: 0 } });
  await stage.noneAlive(1);
});

test('what it left behind with its output elsewhere is ended, too', async () => {
  const body = await stage.run(`${FOREVER} >/dev/null 2>&1 & echo $! >> pids; ${REPORT}`, { cwd: stage.folder });
  expect(body.status).toBe('ok');
  expect(body.details.notes).toContain('it left processes of its group behind; they were ended');
  await stage.noneAlive(1);
});

test('all that was printed before the end is read', async () => {
  const checks = Array.from({ length: 400 }, (_, i) => ({ name: `check-${i}`, status: 'pass', message: 'x'.repeat(100) }));
  const body = await stage.run(`${FOREVER} & echo $! >> pids; cat <<'END'\n${JSON.stringify({ checks })}\nEND`, { cwd: stage.folder });
  expect(Object.keys(body.checks)).toHaveLength(400);
  await stage.noneAlive(1);
});

test('stopping ends the running script, and waits until it is gone', async () => {
  const command = await stage.script(`trap '' TERM; echo $$ >> pids; ${FOREVER} & echo $! >> pids; wait; ${FOREVER}`);
  const source = stage.source({ command, cwd: stage.folder });
  const asked = expect(stage.latest(source)).rejects.toMatchObject({ code: 'ERR_RETRYABLE' });
  await expect.poll(() => stage.lines('pids'), { timeout: 10_000 }).toHaveLength(2);
  await source.stop();
  await asked;
  const [leader] = (await stage.lines('pids')).map(Number);
  expect(await alive(leader as number)).toBe(false);
  await stage.noneAlive(2);
});

test("the instance's signal ends the running script, and receive() with it", async () => {
  const command = await stage.script(`echo $$ >> pids; ${FOREVER}`);
  const controller = new AbortController();
  const source = stage.source({ command, cwd: stage.folder }, memoryState(), controller.signal);
  const recorded: unknown[] = [];
  const receiving = source.receive(async (drafts) => void recorded.push(...drafts), controller.signal);
  await expect.poll(() => stage.lines('pids'), { timeout: 10_000 }).toHaveLength(1);
  controller.abort();
  await receiving;
  await source.stop();
  await stage.noneAlive(1);
  expect(recorded).toEqual([]);
});
