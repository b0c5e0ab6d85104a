import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Stage } from './stage.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await Stage.open();
});
afterEach(() => stage.close());

/** A script that prints exactly this. */
function prints(text: string, exitCode = 0): string {
  return `cat <<'THE-END'\n${text}\nTHE-END\nexit ${exitCode}`;
}

describe('JSON', () => {
  test('checks as an object', async () => {
    const body = await stage.run(prints('{"status":"ok","checks":{"database":"ok","disk":"ok"},"version":"1.2"}'));
    expect(body).toMatchObject({
      status: 'ok',
      checks: { database: 'ok', disk: 'ok' },
      details: { exit_code: 0, signal: null, state: 'hard', attempt: 1, stderr: [], notes: [], reported: { version: '1.2' } },
    });
  });

  test('checks as a list, with a summary', async () => {
    const report = {
      timestamp: '2025-11-07T02:00:00Z',
      hostname: 'web-1',
      checks: [
        { name: 'database', status: 'pass', message: 'connected' },
        { name: 'disk', status: 'fail', message: '97% used', used: 97 },
      ],
      summary: { total: 2, passed: 1, failed: 1, status: 'unhealthy' },
    };
    const body = await stage.run(prints(JSON.stringify(report, null, 2), 1));
    expect(body.status).toBe('critical');
    expect(body.checks).toEqual({ database: 'ok', disk: 'critical' });
    expect(body.details).toMatchObject({
      exit_code: 1,
      messages: { database: 'connected', disk: '97% used' },
      notes: [],
      reported: { hostname: 'web-1', timestamp: '2025-11-07T02:00:00Z', summary: report.summary, checks: { disk: { used: 97 } } },
    });
  });

  test.each([
    ['{"status":"ok","checks":{"a":"critical"}}', 'critical'],
    ['{"status":"critical","checks":{"a":"ok"}}', 'critical'],
    ['{"status":"warning","checks":{"a":"unknown"}}', 'warning'],
    ['{"checks":{"a":"ok","b":"unknown"}}', 'unknown'],
    ['{"checks":{"a":"ok","b":"degraded"}}', 'warning'],
    ['{"checks":{"a":true,"b":false}}', 'critical'],
    ['{"checks":{"a":{"status":"GREEN","message":"fine"}}}', 'ok'],
    ['{"checks":[],"summary":{"status":"healthy"}}', 'ok'],
    ['{"status":"up"}', 'ok'],
    ['{"checks":{}}', 'unknown'],
    ['{"checks":{"a":1}}', 'unknown'],
    ['{"checks":["ok"]}', 'ok'],
    ['{"checks":{"a":null}}', 'unknown'],
  ])('the worst of what is declared and of the checks: %s', async (text, status) => {
    expect((await stage.run(prints(text))).status).toBe(status);
  });

  test('a word that nobody knows is unknown, and kept', async () => {
    const body = await stage.run(prints('{"status":"ok","checks":{"queue":"wobbly","disk":"ok"}}'));
    expect(body).toMatchObject({ status: 'unknown', checks: { queue: 'unknown', disk: 'ok' } });
    expect(body.details.notes.join()).toContain('queue: "wobbly"');
  });

  test('equal names and odd names stay apart', async () => {
    const body = await stage.run(
      prints('{"checks":[{"name":"disk","status":"ok"},{"name":"disk","status":"fail"},{"name":"__proto__","status":"ok"},{}]}'),
    );
    expect(Object.entries(body.checks)).toEqual([
      ['disk', 'ok'],
      ['disk#2', 'critical'],
      ['__proto__', 'ok'],
      ['check 4', 'unknown'],
    ]);
  });

  test('more checks than are listed still count', async () => {
    const checks = Array.from({ length: 700 }, (_, i) => ({ name: `c${i}`, status: i === 699 ? 'fail' : 'pass' }));
    const body = await stage.run(prints(JSON.stringify({ checks })));
    expect(body.status).toBe('critical');
    expect(Object.keys(body.checks)).toHaveLength(500);
    expect(body.details.notes.join()).toContain('200 checks beyond the first 500');
  });

  test('what it says beside its checks is bounded', async () => {
    const body = await stage.run(prints(JSON.stringify({ status: 'ok', dump: 'x'.repeat(20_000) })));
    expect(body.status).toBe('ok');
    expect(body.details.reported).toBeUndefined();
    expect(body.details.notes.join()).toContain('left out');
  });
});

describe('the Nagios convention', () => {
  test.each([
    [0, 'OK', 'ok'],
    [1, 'WARNING', 'warning'],
    [2, 'CRITICAL', 'critical'],
    [3, 'UNKNOWN', 'unknown'],
  ])('exit code %i is %s', async (exitCode, word, status) => {
    const body = await stage.run(prints(`DISK ${word} - free space: / 3326 MB (56%) | /=2643MB;5948;5958;0;5968`, exitCode));
    expect(body.status).toBe(status);
    expect(body.checks).toEqual({ DISK: status });
    expect(body.details).toMatchObject({
      exit_code: exitCode,
      messages: { DISK: 'free space: / 3326 MB (56%)' },
      perfdata: { '/': { value: 2643, unit: 'MB', warn: '5948', crit: '5958', min: 0, max: 5968 } },
      notes: [],
    });
  });

  test('more lines, and performance data behind further pipes', async () => {
    const body = await stage.run(
      prints(`DISK OK - free space: / 3326 MB (56%); | /=2643MB;5948;5958;0;5968
/ 15272 MB (77%);
/boot 68 MB (69%);
/var/log 819 MB (84%); | /boot=68MB;88;93;0;98
/home=69357MB;253404;253409;0;253414
/var/log=818MB;970;975;0;980`),
    );
    expect(body.status).toBe('ok');
    expect(Object.keys(body.details.perfdata ?? {})).toEqual(['/', '/boot', '/home', '/var/log']);
    expect(body.details.reported).toEqual({ output: ['/ 15272 MB (77%);', '/boot 68 MB (69%);', '/var/log 819 MB (84%); '] });
  });

  test('a text that contradicts the exit code is no better than unknown', async () => {
    const body = await stage.run(prints('HTTP CRITICAL: no answer', 0));
    expect(body).toMatchObject({ status: 'unknown', checks: { HTTP: 'unknown' } });
    expect(body.details.notes).toEqual(['exit code 0 means ok, the text says critical']);
  });

  test('unless the configuration says that the exit code counts', async () => {
    expect((await stage.run(prints('HTTP CRITICAL: no answer', 0), { dialect: 'nagios' })).status).toBe('ok');
    const plain = await stage.run(prints('the disk is nearly full', 1), { dialect: 'nagios' });
    expect(plain).toMatchObject({
      status: 'warning',
      checks: { check: 'warning' },
      details: { messages: { check: 'the disk is nearly full' } },
    });
  });

  test('an exit code outside of it is unknown', async () => {
    const body = await stage.run(prints('DISK OK', 42));
    expect(body.status).toBe('unknown');
    expect(body.details.notes.join()).toContain('exit code 42');
  });

  test('JSON is not looked at when the dialect is nagios, nor a status line when it is json', async () => {
    expect((await stage.run(prints('{"status":"ok"}', 2), { dialect: 'nagios' })).status).toBe('critical');
    expect((await stage.run(prints('DISK OK - fine'), { dialect: 'json' })).status).toBe('unknown');
  });
});
