import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, mkdtemp, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import pc from 'picocolors';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { JsonObject } from '../../../core/contract/index.ts';
import { createLog } from '../../../core/telemetry/log.ts';
import { readable } from '../../../core/telemetry/pretty.ts';
import { RotatingFile } from '../../../core/telemetry/rotating-file.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cauce-log-file-'));
  path = join(folder, 'agent.json.log');
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

const child = (...args: string[]) => ['--import', 'jiti/register', resolve('test/core/telemetry/appender.ts'), ...args];
const open = (trouble = vi.fn(), maxSize = 1e6) => new RotatingFile({ path, maxSize, generations: 2, trouble });
/** Moves the clock on, so that the file is looked at again. */
const later = (ms: number) => vi.spyOn(Date, 'now').mockReturnValue(Date.now() + ms);

describe('the log file', () => {
  it('holds every line of a process that just ends', async () => {
    const { status } = spawnSync(process.execPath, child(path, '5000', 'none'), { timeout: 20_000 });
    expect(status).toBe(0);
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { number: number }).number)).toEqual(
      Array.from({ length: 5000 }, (_, number) => number),
    );
  });

  it('is for its user and group, in a folder for its user', async () => {
    path = join(folder, 'deep', 'agent.json.log');
    const file = open();
    file.write('a\n');
    file.close();
    expect((await stat(path)).mode & 0o777 & ~0o640).toBe(0);
    expect((await stat(join(folder, 'deep'))).mode & 0o777).toBe(0o700);
  });

  it('is begun anew when somebody renamed or removed it', async () => {
    const file = open();
    file.write('one\n');
    await rename(path, `${path}.old`);
    later(2000);
    file.write('two\n');
    await rm(path);
    later(2000);
    file.write('three\n');
    file.close();
    expect([await readFile(`${path}.old`, 'utf8'), await readFile(path, 'utf8')]).toEqual(['one\n', 'three\n']);
  });

  it('does not rotate what somebody truncated', async () => {
    const file = open(vi.fn(), 100);
    file.write(`${'x'.repeat(90)}\n`);
    await truncate(path);
    later(2000);
    file.write(`${'y'.repeat(50)}\n`);
    file.close();
    expect(await readFile(path, 'utf8')).toBe(`${'y'.repeat(50)}\n`);
    await expect(stat(`${path}.1`)).rejects.toThrow(/ENOENT/);
  });

  it('does not let half a line, left by a kill, swallow the next', async () => {
    await writeFile(path, '{"whole":1}\n{"hal');
    const file = open();
    file.write('{"next":1}\n');
    file.close();
    expect(await readFile(path, 'utf8')).toBe('{"whole":1}\n{"hal\n{"next":1}\n');
  });

  it('rotates what was there before it, too', async () => {
    await writeFile(path, `${'x'.repeat(90)}\n`);
    const file = open(vi.fn(), 100);
    file.write('twenty characters...\n');
    file.close();
    expect([await readFile(path, 'utf8'), (await readFile(`${path}.1`, 'utf8')).length]).toEqual(['twenty characters...\n', 91]);
  });

  it('grows on when it cannot be rotated, and says so', async () => {
    // A folder that is not empty cannot be replaced by a file, not even by root.
    await mkdir(`${path}.1`);
    await mkdir(`${path}.2`);
    await appendFile(join(`${path}.2`, 'occupied'), '');
    const trouble = vi.fn();
    const file = open(trouble, 100);
    for (let number = 0; number < 8; number++) file.write(`${'x'.repeat(39)}\n`);
    file.close();
    expect((await readFile(path, 'utf8')).length).toBe(320);
    expect(trouble.mock.calls.length).toBeLessThan(5);
    expect(trouble.mock.calls[0]?.[0]).toContain('cannot be rotated and grows on');
  });

  it('counts the lines that are missing, and says so in itself', async () => {
    await mkdir(path);
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const log = createLog({ level: 'info', file: path, console: 'none' });
    log.info('one');
    log.info('two');
    await rm(path, { recursive: true });
    log.info('three');
    expect(said.mock.calls.map(([text]) => text)).toEqual([expect.stringContaining(`the log file ${path} cannot be written`)]);
    said.mockRestore();
    await log.close();
    const lines = (await readFile(path, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as JsonObject);
    expect(lines.map(({ message }) => message)).toEqual(['three', 'the log file is written again, but lines are missing in it']);
    expect(lines[1]).toMatchObject({ level: 'WARNING', missing: 2 });
  });
});

describe('a line', () => {
  it('keeps its own keys to itself', async () => {
    const log = createLog({ level: 'debug', file: path, console: 'none' });
    log.error('failed', { level: 'mine', message: 'mine', logger: 'mine', timestamp: 1, process_id: 2, error: 'why' });
    await log.close();
    log.error('too late');
    const text = await readFile(path, 'utf8');
    expect(text.match(/"(level|message|logger|timestamp|process_id)"/g)).toHaveLength(5);
    expect(JSON.parse(text)).toMatchObject({
      level: 'ERROR',
      message: 'failed',
      logger: 'cauce',
      message_: 'mine',
      level_: 'mine',
      error: 'why',
    });
  });

  it('is one readable line for a person, and cannot steer the terminal', () => {
    const line = JSON.stringify({
      level: 'WARNING',
      timestamp: '2025-11-07T02:00:00.123456Z',
      process_id: 1,
      logger: 'cauce.host',
      message: 'a\nb \u001b[2J \u202egnol',
      source: 'app',
      error: 'cannot connect\r\n\u009b1m',
      count: 3,
      list: ['a'],
    });
    expect(readable(line, pc.createColors(false))).toBe(
      '02:00:00.123 WARNING  cauce.host a\\u000ab \\u001b[2J \\u202egnol source=app error="cannot connect\\r\\n\\u009b1m" count=3 list=["a"]\n',
    );
    expect(readable(line, pc.createColors(true))).toContain('\u001b[33mWARNING');
  });
});

describe('standard error', () => {
  it('gets the lines of the file', async () => {
    const { stderr } = spawnSync(process.execPath, child(path, '3', 'json'), { encoding: 'utf8', timeout: 20_000 });
    expect(stderr).toBe(await readFile(path, 'utf8'));
  });

  it('may be closed by its reader; the agent and its file go on', async () => {
    const running = spawn(process.execPath, child(path, '20000', 'json'), { stdio: ['ignore', 'ignore', 'pipe'] });
    await once(running.stderr, 'data');
    running.stderr.destroy();
    const [code] = await once(running, 'exit');
    expect(code).toBe(0);
    expect((await readFile(path, 'utf8')).trimEnd().split('\n')).toHaveLength(20_000);
  });

  it('is left as it was found', async () => {
    const before = process.stderr.listenerCount('error');
    const logs = Array.from({ length: 3 }, () => createLog({ level: 'info', console: 'none' }));
    await Promise.all(logs.map((log) => log.close()));
    expect(process.stderr.listenerCount('error')).toBe(before);
  });
});
