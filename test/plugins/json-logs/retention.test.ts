import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rename, stat, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Change, formatTime, now, type Source } from '../../../core/contract/index.ts';
import { runOf, Stage } from './stage.ts';

const DAY = 86_400_000_000;

let stage: Stage;
beforeEach(async () => {
  stage = await Stage.open();
});
afterEach(() => stage.close());

/** A line whose time is so many days back. */
const daysAgo = (days: number, message = 'x') => `${JSON.stringify({ timestamp: formatTime(now() - days * DAY), message })}\n`;

async function write(files: Record<string, string | Buffer>): Promise<void> {
  for (const [name, content] of Object.entries(files)) await writeFile(stage.path(name), content);
}

const retaining = (keep?: { age?: string; size?: string }, more: Record<string, unknown> = {}) =>
  (stage.source({ ...(keep && { keep }), ...more }) as Source).retention as NonNullable<Source['retention']>;
const names = async () => (await readdir(stage.folder)).sort();

/** What the dry run lists, after it was found to be what the real run does. */
async function applied(retention: NonNullable<Source['retention']>): Promise<readonly Change[]> {
  const before = await names();
  const sizes = new Map(await Promise.all(before.map(async (name) => [stage.path(name), (await stat(stage.path(name))).size] as const)));
  const planned = await retention.apply({ dryRun: true }, stage.signal);
  expect(await names()).toEqual(before);
  const done = await retention.apply({ dryRun: false }, stage.signal);
  expect(done).toEqual(planned);
  const gone = before.map((name) => stage.path(name)).filter((path) => planned.some(({ what }) => what.startsWith(`delete ${path} (`)));
  expect(await names()).toEqual(before.filter((name) => !gone.includes(stage.path(name))));
  expect(planned.map(({ bytes }) => bytes).sort()).toEqual(gone.map((path) => sizes.get(path)).sort());
  return planned;
}

describe('the retention of log files', () => {
  it('deletes nothing unless it is told to', async () => {
    await write({ 'app.json.log': daysAgo(0), 'app.json.log.1': daysAgo(900) });
    const retention = retaining();
    expect(retention.describe()).toBe('by rotation: this agent deletes no file');
    expect(await applied(retention)).toEqual([]);
  });

  it('deletes rotated generations by the time of their newest line, whatever the clock of the file says', async () => {
    await write({
      'app.json.log': daysAgo(40, 'live'),
      'app.json.log.1': daysAgo(50) + daysAgo(2),
      'app.json.log.2': daysAgo(52) + daysAgo(45),
      'app.json.log.3.gz': gzipSync(daysAgo(60)),
      'other.log.1': daysAgo(400),
    });
    const retention = retaining({ age: '30d' });
    expect(retention.describe()).toBe('rotated files are deleted when their newest line is older than 30 days');
    expect(await applied(retention)).toHaveLength(2);
    expect(await names()).toEqual(['app.json.log', 'app.json.log.1', 'other.log.1']);
    expect(await applied(retention)).toEqual([]);
  });

  it('never deletes the newest generation of a name, in any folder, nor what has no time', async () => {
    await mkdir(stage.path('b'));
    await write({
      'app.json.log': '',
      'app.json.log.1': daysAgo(100),
      'app.json.log.2': daysAgo(101),
      'app.json.log.3': 'no line\n',
      'b/app.json.log-20200101': daysAgo(200),
      'b/app.json.log-20190101': daysAgo(300),
    });
    const planned = await retaining({ age: '1d' }, { paths: [stage.path('app.json.log'), stage.path('b/app.json.log')] }).apply(
      { dryRun: true },
      stage.signal,
    );
    const files = planned.map(({ what }) => what.split(' ')[1]).sort();
    expect(files).toEqual([stage.path('app.json.log.2'), stage.path('b/app.json.log-20190101')]);
  });

  it('takes a copy that is the live file, too, for live', async () => {
    const content = daysAgo(100);
    await write({ 'app.json.log': content, 'app.json.log.1': content, 'app.json.log.2': daysAgo(120) });
    expect(await applied(retaining({ age: '30d' }))).toHaveLength(1);
    expect(await names()).toEqual(['app.json.log', 'app.json.log.1']);
  });

  it('deletes the oldest until all fit, and a generation with all its files', async () => {
    const pad = 'x'.repeat(1000);
    const second = daysAgo(2, pad);
    await write({
      'app.json.log': daysAgo(0, pad),
      'app.json.log.1': daysAgo(1, pad),
      'app.json.log.2': second,
      'app.json.log.2.gz': gzipSync(second),
      'app.json.log.3': daysAgo(3, pad),
    });
    const retention = retaining({ size: '2.5KiB' });
    expect(retention.describe()).toBe('the oldest rotated files are deleted until all are at most 2.5 KiB');
    expect(await applied(retention)).toHaveLength(3);
    expect(await names()).toEqual(['app.json.log', 'app.json.log.1']);
    expect(await applied(retaining({ size: '1B' }))).toHaveLength(1);
    expect(await names()).toEqual(['app.json.log']);
  });

  it('deletes by age first, and no more by size than is still too much', async () => {
    const pad = 'x'.repeat(1000);
    await write({
      'app.json.log': daysAgo(0, pad),
      'app.json.log.1': daysAgo(1, pad),
      'app.json.log.2': daysAgo(2, pad),
      'app.json.log.3': daysAgo(99, pad),
    });
    expect(await applied(retaining({ age: '30d', size: '4KiB' }))).toHaveLength(1);
    expect(await names()).toEqual(['app.json.log', 'app.json.log.1', 'app.json.log.2']);
  });

  it('deletes what moved during the run under no other name', async () => {
    await write({ 'app.json.log': daysAgo(0), 'app.json.log.1': daysAgo(1), 'app.json.log.2': daysAgo(99) });
    const source = stage.source({ keep: { age: '30d' } }) as Source as Required<Pick<Source, 'retention' | 'volume'>>;
    await source.volume(runOf(stage.signal));
    await rename(stage.path('app.json.log.2'), stage.path('app.json.log.3'));
    await rename(stage.path('app.json.log.1'), stage.path('app.json.log.2'));
    await source.retention.apply({ dryRun: false }, stage.signal);
    expect(await names()).toEqual(['app.json.log', 'app.json.log.2']);
  });

  it.skipIf(process.getuid?.() === 0)('says what it may not delete, and how to mend that', async () => {
    await write({ 'app.json.log': daysAgo(0), 'app.json.log.1': daysAgo(99) });
    await chmod(stage.folder, 0o500);
    try {
      await expect(retaining({ age: '30d' }).apply({ dryRun: false }, stage.signal)).rejects.toThrow(
        /1 of 1 files.*app\.json\.log\.1.*right/,
      );
    } finally {
      await chmod(stage.folder, 0o700);
    }
  });

  it('tells what it deleted before it was stopped', async () => {
    await write({
      'app.json.log': daysAgo(0),
      'app.json.log.1': daysAgo(97),
      'app.json.log.2': daysAgo(98),
      'app.json.log.3': daysAgo(99),
    });
    const retention = retaining({ age: '30d' });
    const planned = await retention.apply({ dryRun: true }, stage.signal);
    const { signal } = new AbortController();
    vi.spyOn(signal, 'throwIfAborted').mockImplementation(() => {
      if (!existsSync(stage.path('app.json.log.2'))) throw new Error('enough');
    });
    await expect(retention.apply({ dryRun: false }, signal)).rejects.toMatchObject({ message: 'enough', changes: planned.slice(0, 2) });
    expect(await names()).toEqual(['app.json.log', 'app.json.log.1']);
  });

  it('needs to be told by what', () => {
    expect(() => retaining({})).toThrow(/expected age, size or both/);
  });
});

describe('the volume of log files', () => {
  it('is their bytes on the disk and the times of their lines', async () => {
    await write({
      'app.json.log': '{"timestamp":"2025-11-07T02:00:05Z"}\n{"timestamp":"2025-11-07T02:00:09Z"}\n',
      'app.json.log.1': '{"timestamp":"2025-11-07T02:00:03Z"}\n{"timestamp":"2025-11-07T02:00:01Z"}\n',
      'app.json.log.2': 'no line\n',
    });
    const { volume } = stage.source() as Source as Required<Pick<Source, 'volume'>>;
    const { oldest, newest, ...rest } = await volume(runOf(stage.signal));
    expect([oldest, newest].map((time) => formatTime(time as number))).toEqual([
      '2025-11-07T02:00:01.000000Z',
      '2025-11-07T02:00:09.000000Z',
    ]);
    expect(rest).toEqual({ bytes: 4 * 37 + 8 });
  });

  it('of nothing is nothing', async () => {
    const { volume } = stage.source() as Source as Required<Pick<Source, 'volume'>>;
    expect(await volume(runOf(stage.signal))).toEqual({ bytes: 0 });
  });
});
