import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { scriptLabel } from '../../../plugins/health-script/label.ts';
import { options } from '../../../plugins/health-script/options.ts';
import { STATUSES, statusOf, worst } from '../../../plugins/health-script/status.ts';

const plugin = join(import.meta.dirname, '../../../plugins/health-script');

describe('options', () => {
  test('have these defaults', () => {
    expect(options.parse({ command: ['bash', 'x.sh'] })).toEqual({
      command: ['bash', 'x.sh'],
      every: 60_000,
      timeout: 30_000,
      cache: 60_000,
      attempts: 3,
      flapping: { enabled: true, window: 21, high: 20, low: 15 },
      env: {},
      dialect: 'auto',
      history: 30 * 86_400_000,
      max_output: 1_048_576,
    });
    expect(options.parse({ command: 'x.sh' }).command).toEqual(['x.sh']);
  });

  test.each([
    {},
    { command: [] },
    { command: '' },
    { command: ['a\0b'] },
    { command: 'x', every: '0s' },
    { command: 'x', every: '90d' },
    { command: 'x', timeout: '0s' },
    { command: 'x', timeout: 30 },
    { command: 'x', attempts: 0 },
    { command: 'x', dialect: 'xml' },
    { command: 'x', env: { 'A=B': 'c' } },
    { command: 'x', flapping: { widow: 21 } },
  ])('refuse %j', (given) => {
    expect(options.safeParse(given).success).toBe(false);
  });

  test('are all in the README, and the example is valid', async () => {
    const readme = await readFile(join(plugin, 'README.md'), 'utf8');
    for (const name of Object.keys(options.shape)) expect(readme).toContain(`\`${name}\``);
    const example = parse(await readFile(join(plugin, 'example.yaml'), 'utf8')) as {
      sources: Record<string, { use: string; enabled?: string }>;
    };
    for (const { use, enabled: _, ...given } of Object.values(example.sources)) {
      expect(use).toBe('health-script');
      expect(options.safeParse(given).error?.issues).toBeUndefined();
    }
  });
});

test.each([
  [['bash', 'health_check.sh', '--json'], 'health_check.sh'],
  [['bash', '-eu', '/opt/x/health_check.sh'], 'health_check.sh'],
  [['/opt/x/health_check.sh', '--config', '/etc/x.conf'], 'health_check.sh'],
  [['/usr/bin/env', 'A=/b', 'python3', './check.py', 'disk'], 'check.py'],
  [['/usr/bin/env', '/usr/bin/python3.11', 'check.py'], 'check.py'],
  [['sudo', '-n', '-u', 'app', '/usr/lib/nagios/plugins/check_disk', '-w', '10%'], 'check_disk'],
  [['timeout', '5', 'bash', 'a b/check it.sh'], 'check it.sh'],
  [['bash', '-c', 'df -h | grep /var'], 'bash'],
  [['bash', 'health'], 'health'],
  [['check_load'], 'check_load'],
  [['sh'], 'sh'],
])('the label of %j is %s', (command, label) => {
  expect(scriptLabel(command)).toBe(label);
});

test('words and their order', () => {
  for (const word of ['ok', 'PASS', 'passed', 'Healthy', 'up', 'success', 'green', true, ' true ']) expect(statusOf(word)).toBe('ok');
  for (const word of ['warning', 'warn', 'degraded', 'yellow']) expect(statusOf(word)).toBe('warning');
  for (const word of ['critical', 'crit', 'fail', 'failed', 'error', 'unhealthy', 'down', 'red', false])
    expect(statusOf(word)).toBe('critical');
  for (const word of ['', 'okish', 'constructor', '__proto__', 0, 1, null, undefined, {}]) expect(statusOf(word)).toBeUndefined();
  expect(statusOf('UNKNOWN')).toBe('unknown');
  expect(STATUSES.map((status) => worst(['ok', status]))).toEqual([...STATUSES]);
  expect(worst(['unknown', 'critical', 'warning'])).toBe('critical');
  expect(worst([])).toBe('ok');
});
