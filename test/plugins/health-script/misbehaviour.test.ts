import { mkdir } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Stage } from './stage.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await Stage.open();
});
afterEach(() => stage.close());

const REPORT = '{"status":"ok","checks":{"disk":"ok"}}';

test('exit 0 although unhealthy: what it printed counts', async () => {
  const body = await stage.run(`echo '{"checks":[{"name":"a","status":"fail"}],"summary":{"status":"unhealthy"}}'; exit 0`);
  expect(body).toMatchObject({
    status: 'critical',
    details: { exit_code: 0, notes: ['exit code 0 does not go with critical; what it printed counts'] },
  });
});

test('exit 1 although healthy: what it printed counts', async () => {
  const body = await stage.run(`echo '${REPORT}'; exit 1`);
  expect(body).toMatchObject({
    status: 'ok',
    details: { exit_code: 1, notes: ['exit code 1 does not go with ok; what it printed counts'] },
  });
});

test('exit 1 and no JSON: unknown, with what it said', async () => {
  const body = await stage.run('echo "checking"; echo "cannot reach the database" >&2; exit 1');
  expect(body).toMatchObject({ status: 'unknown', checks: {} });
  expect(body.details).toMatchObject({
    exit_code: 1,
    signal: null,
    stderr: ['cannot reach the database'],
    reported: { output: ['checking'] },
  });
  expect(body.details.notes).toEqual(['it printed no JSON; if its exit code is to count, set dialect: nagios']);
  expect(body.details.duration_ms).toBeGreaterThanOrEqual(0);
});

test.each([
  ['before', `echo 'Starting [1/2] {checks}...'; echo '${REPORT}'`],
  ['behind', `echo '${REPORT}'; echo 'done {really}'`],
  ['on the same line', `printf 'it"s: %s }done' '${REPORT}'`],
  ['of both kinds, a log in JSON included', `echo '{"level":"info","status":"fail"}'; echo '${REPORT}'; echo '[]'`],
])('text %s the JSON', async (_where, script) => {
  const body = await stage.run(script);
  expect(body).toMatchObject({ status: 'ok', checks: { disk: 'ok' } });
  expect(body.details.notes.length).toBeGreaterThan(0);
});

test('raw newlines and control characters inside strings are escaped', async () => {
  const body = await stage.run(
    `printf '{"status":\\n"ok","checks":[{"name":"a","status":"pass","message":"one\\ntwo\\tthree\\033[0m \\\\" four"}]}'`,
  );
  expect(body.status).toBe('ok');
  expect(body.details.messages).toEqual({ a: 'one\ntwo\tthree\u001b[0m " four' });
  expect(body.details.notes).toEqual(['3 raw control characters inside JSON strings were escaped']);
});

test.each([
  ['[]', 'is no object'],
  ['[{"status":"ok","checks":{}}]', 'is no object'],
  ['"ok"', 'is no object'],
  ['42', 'is no object'],
  ['null', 'is no object'],
  ['{"state":"fine"}', 'neither status nor checks'],
])('JSON that is no report: %s', async (text, why) => {
  const body = await stage.run(`echo '${text}'`);
  expect(body).toMatchObject({ status: 'unknown', checks: {} });
  expect(body.details.notes.join()).toContain(why);
});

test.each([
  ['nothing', 'true'],
  ['blanks', 'printf "\\n \\n"'],
])('%s at all', async (_what, script) => {
  expect(await stage.run(script)).toMatchObject({ status: 'unknown', details: { exit_code: 0, notes: ['it printed nothing'] } });
});

test('bytes that are no UTF-8', async () => {
  const body = await stage.run(`printf '{"status":"ok","checks":{"a\\377":"ok"}}'`);
  expect(body).toMatchObject({ status: 'ok', checks: { 'a\ufffd': 'ok' } });
  expect(body.details.notes.join()).toContain('not UTF-8');
});

test('output without end is cut, and the script ended', async () => {
  const body = await stage.run('yes', { max_output: '64KiB' });
  expect(body).toMatchObject({ status: 'unknown', details: { exit_code: null, signal: 'SIGTERM' } });
  expect(body.details.notes[0]).toContain('more than 65536 bytes');
});

test('a whole report in front of too much output does not make it better than unknown', async () => {
  const body = await stage.run(`echo '${REPORT}'; yes`, { max_output: '64KiB' });
  expect(body).toMatchObject({ status: 'unknown', checks: { disk: 'ok' } });
});

test('an error stream without end does no harm; its last lines are kept', async () => {
  const body = await stage.run(`i=0; while [ $i -lt 20000 ]; do echo "line $i of some length" >&2; i=$((i+1)); done; echo '${REPORT}'`);
  expect(body.status).toBe('ok');
  expect(body.details.stderr).toHaveLength(10);
  expect(body.details.stderr.at(-1)).toBe('line 19999 of some length');
});

test('a signal ends it', async () => {
  const body = await stage.run(`echo '${REPORT}'; kill -SEGV $$`);
  expect(body).toMatchObject({ status: 'unknown', checks: { disk: 'ok' }, details: { exit_code: null, signal: 'SIGSEGV' } });
  expect(body.details.notes).toContain('it was ended by SIGSEGV');
});

test('a program that is not there', async () => {
  const body = await stage.latest(stage.source({ command: [stage.path('none.sh'), '--json'] }));
  expect(body).toMatchObject({ status: 'unknown', details: { script: 'none.sh', exit_code: null, signal: null } });
  expect(body.details.notes.join()).toContain('ENOENT');
});

test('a program and its arguments in one text', async () => {
  const body = await stage.latest(stage.source({ command: 'bash check.sh --json' }));
  expect(body.details.notes.join()).toContain('as a list');
});

test('a script that is not there', async () => {
  const body = await stage.latest(stage.source({ command: ['bash', stage.path('none.sh')] }));
  expect(body).toMatchObject({ status: 'unknown', details: { script: 'none.sh', exit_code: 127 } });
  expect(body.details.stderr.join()).toContain('No such file');
  expect(body.details.notes.join()).toContain('127');
});

test('a folder that is not there', async () => {
  const body = await stage.run('true', { cwd: stage.path('nowhere') });
  expect(body.status).toBe('unknown');
  expect(body.details.notes.join()).toContain('nowhere');
});

test('a script that may not be executed', async () => {
  await mkdir(stage.path('folder'));
  const script = await stage.script('echo', 'plain.sh', 0o644);
  for (const command of [script, stage.path('folder')]) {
    const body = await stage.latest(stage.source({ command }));
    expect(body.status).toBe('unknown');
    expect(body.details.notes.join()).toContain('EACCES');
  }
});

test('arguments that no system takes', async () => {
  const command = ['true', 'x'.repeat(4_000_000)];
  const body = await stage.latest(stage.source({ command }));
  expect(body.status).toBe('unknown');
  expect(body.details.notes.join()).toContain('E2BIG');
  expect(JSON.stringify(body).length).toBeLessThan(5000);
});

test('secrets that it prints are in no answer', async () => {
  const body = await stage.run(
    'set -x; : "$DB_PASSWORD"; echo "{\\"status\\":\\"ok\\",\\"url\\":\\"$DB_URL\\",\\"pw\\":\\"$DB_PASSWORD\\"}"',
    {
      env: { DB_PASSWORD: 'hunter22', DB_URL: 'mysql://app:s3cr3t@db/x', MODE: 'production' },
    },
  );
  expect(body.details.reported).toEqual({ url: 'mysql://app:***@db/x', pw: '***' });
  expect(body.details.stderr.join()).toContain('***');
  expect(JSON.stringify(body)).not.toMatch(/hunter22|s3cr3t/);
});

test('it sees few of the variables of the agent', async () => {
  process.env['CAUCE_TEST_SECRET'] = 'do not tell';
  try {
    const body = await stage.run(`echo "{\\"status\\":\\"ok\\",\\"names\\":\\"$(env | cut -d= -f1 | sort | tr '\\n' ' ')\\"}"`, {
      env: { MINE: '1' },
    });
    const names = String(body.details.reported?.['names']).trim().split(' ');
    expect(names).toContain('MINE');
    expect(names).toContain('PATH');
    expect(names).not.toContain('CAUCE_TEST_SECRET');
  } finally {
    delete process.env['CAUCE_TEST_SECRET'];
  }
});
