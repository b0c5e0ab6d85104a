import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLog } from '../../../core/telemetry/log.ts';
import { RotatingFile } from '../../../core/telemetry/rotating-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cauce-log-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe("the agent's own log", () => {
  it('has the format that the json-logs source reads', async () => {
    const file = join(folder, 'deep', 'agent.json.log');
    const log = createLog({ level: 'info', file, console: 'none' });
    log.debug('not wanted');
    log.child({ logger: 'cauce.http' }).child({ logger: 'cauce.other' }).warn('careful', { listen: '127.0.0.1:1' });
    await log.close();
    const text = await readFile(file, 'utf8');
    expect(text.match(/"logger"/g)).toHaveLength(1);
    expect(JSON.parse(text)).toEqual({
      level: 'WARNING',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
      process_id: process.pid,
      logger: 'cauce.other',
      listen: '127.0.0.1:1',
      message: 'careful',
    });
  });

  it('rotates by size, keeps so many generations, and loses no line that is kept', async () => {
    const file = join(folder, 'agent.json.log');
    const log = createLog({ level: 'info', file, console: 'none', maxSize: 2000, generations: 3 });
    for (let number = 0; number < 100; number++) log.info(`line ${number}`);
    await log.close();
    const names = (await readdir(folder)).sort();
    expect(names).toEqual(['agent.json.log', 'agent.json.log.1', 'agent.json.log.2', 'agent.json.log.3']);
    const texts = await Promise.all([...names].reverse().map((name) => readFile(join(folder, name), 'utf8')));
    expect(Math.max(...texts.map((text) => text.length))).toBeLessThanOrEqual(2000);
    const numbers = texts
      .join('')
      .trim()
      .split('\n')
      .map((line) => Number((JSON.parse(line) as { message: string }).message.slice(5)));
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, index) => 100 - numbers.length + index));
  });

  it('goes on when its file cannot be written, says so once, and once when it can again', async () => {
    const blocked = join(folder, 'blocked');
    await mkdir(blocked);
    const trouble = vi.fn();
    // A folder where the file should be: a fault that holds for root too.
    const file = new RotatingFile({ path: blocked, maxSize: 100, generations: 1, trouble });
    file.write('one\n');
    file.write('two\n');
    expect(trouble).toHaveBeenCalledTimes(1);
    expect(trouble.mock.calls[0]?.[0]).toContain(blocked);
    await rm(blocked, { recursive: true });
    file.write('three\n');
    expect(trouble.mock.calls.map(([message]) => message === undefined)).toEqual([false, true]);
    expect(await readFile(blocked, 'utf8')).toBe('three\n');
    file.close();
  });

  it('survives a full disk', async () => {
    const mounted = join(folder, 'tiny');
    await mkdir(mounted);
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', mounted]);
    if (status !== 0) {
      if (process.getuid?.() === 0 && process.env['CI']) throw new Error('a tmpfs cannot be mounted here, although this is root in CI');
      console.warn('SKIPPED: a full disk needs root and mount');
      return;
    }
    try {
      const trouble = vi.fn();
      const file = new RotatingFile({ path: join(mounted, 'a.log'), maxSize: 1e9, generations: 1, trouble });
      for (let number = 0; number < 100; number++) file.write(`${'x'.repeat(2000)}\n`);
      expect(trouble).toHaveBeenCalledTimes(1);
      expect(trouble.mock.calls[0]?.[0]).toMatch(/ENOSPC/);
      file.close();
    } finally {
      spawnSync('umount', [mounted]);
      await chmod(mounted, 0o700);
    }
  });
});
