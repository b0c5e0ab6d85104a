import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Stage } from './stage.ts';

const demo = join(import.meta.dirname, '../../../examples/health_check.sh');
let stage: Stage;
beforeEach(async () => {
  stage = await Stage.open();
});
afterEach(() => stage.close());

function run(env: Record<string, string>): Promise<{ code: number; text: string }> {
  return new Promise((resolve) => {
    execFile('bash', [demo], { env: { PATH: process.env['PATH'], ...env } }, (error, stdout) =>
      resolve({ code: Number(error?.code ?? 0), text: stdout }),
    );
  });
}

test('checks this machine for real', async () => {
  const body = await stage.latest(stage.source({ command: ['bash', demo, '--json'], cwd: stage.folder }));
  expect(Object.keys(body.checks)).toEqual(expect.arrayContaining(['disk_root', 'memory', 'load', 'clock', 'open_files']));
  expect(Object.values(body.checks)).not.toContain('unknown');
  expect(body.details).toMatchObject({ script: 'health_check.sh', stderr: [], notes: [] });
  expect(body.details.messages['disk_root']).toMatch(/^\d+% used, \d+ GiB free on \/$/);
  expect(body.details.reported).toMatchObject({ hostname: expect.any(String), summary: { total: Object.keys(body.checks).length } });
});

test('checks the folder of the state and the listener, when it is told of them, and prints no secret', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  const command = ['bash', demo, '--json'];
  const env = { CAUCE_STATE: stage.folder, CAUCE_URL: `http://user:hunter22@127.0.0.1:${port}/x` };
  const up = await stage.latest(stage.source({ command, env }));
  expect(up.checks).toMatchObject({ disk_state: expect.any(String), agent: 'ok' });
  await new Promise((resolve) => server.close(resolve));
  const down = await stage.latest(stage.source({ command, env }));
  expect(down).toMatchObject({ status: 'critical', checks: { agent: 'critical' }, details: { exit_code: 1 } });
  expect((await run(env)).text).not.toContain('hunter22');
});

test('thresholds are honest, and so is the exit code', async () => {
  const { code, text } = await run({ DISK_FAIL: '0' });
  expect(code).toBe(1);
  expect(text).toMatch(/^disk_root +fail +\d+% used/m);
  expect(text).toMatch(/^total +unhealthy /m);
  const calm = await run({
    DISK_WARN: '101',
    DISK_FAIL: '102',
    MEMORY_WARN: '-1',
    MEMORY_FAIL: '-2',
    LOAD_WARN: '1e6',
    LOAD_FAIL: '1e6',
    FILES_WARN: '1',
    FILES_FAIL: '0',
  });
  expect(calm).toMatchObject({ code: 0 });
});
