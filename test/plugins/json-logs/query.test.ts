import { appendFile, chmod, copyFile, mkdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Draft, Query } from '../../../core/contract/index.ts';
import { ask, line, microsAt, runOf, Stage } from './stage.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await Stage.open();
});
afterEach(() => stage.close());

function compare(a: { time: number; id: string }, b: { time: number; id: string }): number {
  return a.time - b.time || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

function naive(all: readonly Draft[], query: Partial<Query>): string[] {
  const { from = -Infinity, to = Infinity, order = 'newest', after, limit } = query;
  const sign = order === 'newest' ? -1 : 1;
  return all
    .filter(({ time }) => time >= from && time < to)
    .filter((draft) => !after || sign * compare(draft, after) > 0)
    .sort((a, b) => sign * compare(a, b))
    .slice(0, limit)
    .map(({ id }) => id);
}

describe('a query', () => {
  it('is right for any order of times, over any generations', async () => {
    const seconds = fc.nat(60);
    const generation = fc.record({
      times: fc.array(seconds, { minLength: 1, maxLength: 40 }),
      gz: fc.boolean(),
      pad: fc.constantFrom(0, 0, 20_000),
    });
    const asked = fc.record({
      from: fc.option(seconds, { nil: undefined }),
      to: fc.option(seconds, { nil: undefined }),
      order: fc.constantFrom('newest' as const, 'oldest' as const),
      after: fc.option(fc.nat(200), { nil: undefined }),
      limit: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(generation, { minLength: 1, maxLength: 4 }),
        fc.array(asked, { minLength: 1, maxLength: 8 }),
        async (generations, queries) => {
          const folder = stage.path(`run-${Math.random()}`);
          await mkdir(folder);
          let n = 0;
          const texts: string[] = [];
          for (const [index, { times, gz, pad }] of generations.entries()) {
            const lines = times.map((second) => line(second, { n: n++, generation: index, pad: 'x'.repeat(pad) }));
            texts.push(...lines);
            const bytes = Buffer.from(`${lines.join('\n')}\n`);
            const name = `${folder}/app.json.log${index === 0 ? '' : `.${index}`}`;
            await writeFile(gz && index > 0 ? `${name}.gz` : name, gz && index > 0 ? gzipSync(bytes) : bytes);
          }
          const source = stage.source({ paths: `${folder}/app.json.log` });
          const all = await ask(source);
          expect(all.map(({ json }) => json).sort()).toEqual(texts.sort());
          for (const { from, to, after, limit, order } of queries) {
            const point = after === undefined ? undefined : all[after % all.length];
            const query: Partial<Query> = {
              order,
              ...(from !== undefined && { from: microsAt(from) }),
              ...(to !== undefined && { to: microsAt(to) }),
              ...(point && { after: { time: point.time, id: point.id } }),
              ...(limit !== undefined && { limit }),
            };
            expect((await ask(source, query)).map(({ id }) => id)).toEqual(naive(all, query));
          }
          await rm(folder, { recursive: true });
        },
      ),
      { numRuns: 40 },
    );
  });

  it('holds no more than its bound, however the times are mixed', async () => {
    const count = 130_000;
    const order = (n: number) => (n * 48_271) % count;
    const lines = Array.from({ length: count }, (_, n) => `{"ts":${1e9 + order(n)}}`);
    await writeFile(stage.path('app.json.log'), `${lines.join('\n')}\n`);
    const source = stage.source();
    let expected = count;
    for await (const batch of source.query.run({ from: 0, to: Number.MAX_SAFE_INTEGER, order: 'newest', where: [] }, runOf(stage.signal))) {
      for (const { time } of batch) if (time !== (1e9 + --expected) * 1e6) throw new Error(`wrong order at ${expected}`);
    }
    expect(expected).toBe(0);
  });

  it('finds the newest lines of a long file, and those of rotated and compressed ones', async () => {
    const lines = (from: number, count: number) => Array.from({ length: count }, (_, n) => `${line(from + n)}\n`).join('');
    await writeFile(stage.path('app.json.log.2.gz'), gzipSync(lines(0, 1000)));
    await writeFile(stage.path('app.json.log-20251107'), lines(1000, 1000));
    await writeFile(stage.path('app.json.log'), lines(2000, 20_000));
    const source = stage.source();
    expect((await ask(source, { limit: 2 })).map(({ time }) => time)).toEqual([microsAt(21_999), microsAt(21_998)]);
    expect((await ask(source, { limit: 2, to: microsAt(1001) })).map(({ time }) => time)).toEqual([microsAt(1000), microsAt(999)]);
    expect(await ask(source)).toHaveLength(22_000);
    await appendFile(stage.path('app.json.log'), `${line(30_000)}\n`);
    expect((await ask(source, { limit: 1 }))[0]?.time).toBe(microsAt(30_000));
  });

  it('sees that a file was rewritten behind the same first line', async () => {
    const file = stage.path('app.json.log');
    await writeFile(file, `${line(1)}\n${line(2)}\n${line(3)}\n`);
    const source = stage.source();
    expect(await ask(source)).toHaveLength(3);
    await truncate(file, line(1).length + 1);
    expect(await ask(source)).toHaveLength(1);
    await writeFile(file, `${line(1)}\n${line(7)}\n${line(8)}\n${line(9)}\n`);
    expect((await ask(source)).map(({ time }) => time)).toEqual([9, 8, 7, 1].map(microsAt));
  });

  it('keeps reading files that are rotated, cut off or removed meanwhile', async () => {
    const file = stage.path('app.json.log');
    const lines = Array.from({ length: 20_000 }, (_, n) => line(n, { pad: 'x'.repeat(100) }));
    await writeFile(`${file}.1`, `${lines.slice(0, 10_000).join('\n')}\n`);
    await writeFile(file, `${lines.slice(10_000).join('\n')}\n`);
    for (const change of [
      async () => {
        await rename(`${file}.1`, `${file}.2`);
        await rename(file, `${file}.1`);
        await writeFile(file, `${line(99_999)}\n`);
      },
      async () => {
        await copyFile(`${file}.1`, `${file}.3`);
        await truncate(`${file}.1`);
      },
      () => rm(`${file}.2`),
    ]) {
      const source = stage.source();
      const times: number[] = [];
      let changed = false;
      for await (const batch of source.query.run({ from: 0, to: microsAt(50_000), order: 'newest', where: [] }, runOf(stage.signal))) {
        times.push(...batch.map(({ time }) => time));
        if (!changed) await change();
        changed = true;
      }
      expect(times).toHaveLength(20_000);
    }
  });

  it('reads a damaged gzip file up to the fault, and says so', async () => {
    const lines = Array.from({ length: 5000 }, (_, n) => line(n, { random: Math.sin(n) }));
    const whole = gzipSync(`${lines.join('\n')}\n`);
    const broken = Buffer.from(whole);
    broken.fill(0xff, whole.length / 2, whole.length / 2 + 100);
    for (const bytes of [whole.subarray(0, whole.length / 2), broken]) {
      await writeFile(stage.path('app.json.log.1.gz'), bytes);
      const run = runOf(stage.signal);
      const drafts = await ask(stage.source(), { order: 'oldest' }, run);
      expect(drafts.length).toBeGreaterThan(1000);
      expect(drafts.slice(0, 1000).map(({ json }) => json)).toEqual(lines.slice(0, 1000));
      expect(run.notes.map(({ text }) => text).join()).toContain('app.json.log.1.gz is damaged or unfinished');
    }
    await writeFile(stage.path('app.json.log.1.gz'), Buffer.concat([whole, gzipSync(`${line(9000)}\n`), Buffer.from('trailing')]));
    expect(await ask(stage.source())).toHaveLength(5001);
  });

  it('says when no file matches, and when nothing in one has a time', async () => {
    const run = runOf(stage.signal);
    expect(await ask(stage.source(), {}, run)).toEqual([]);
    expect(run.notes[0]?.text).toBe(`no file matches ${stage.path('app.json.log')}`);
    await writeFile(stage.path('app.json.log'), 'Starting\n{"level":"INFO"}\n');
    const second = runOf(stage.signal);
    expect(await ask(stage.source(), {}, second)).toEqual([]);
    expect(second.notes[0]).toMatchObject({ count: 2 });
    await appendFile(stage.path('app.json.log'), `${line(1)}\n`);
    const third = runOf(stage.signal);
    expect(await ask(stage.source(), {}, third)).toHaveLength(1);
    expect(third.notes).toMatchObject([{ code: 'malformed', count: 2 }]);
  });

  it('tells which file may not be read, and fails when none may', async () => {
    // Nothing is forbidden to root, so the test steps down for as long as it runs.
    if (process.getuid?.() === 0) process.seteuid?.(65_534);
    try {
      const mine = await Stage.open();
      await writeFile(mine.path('app.json.log'), `${line(1)}\n`);
      await writeFile(mine.path('app.json.log.1'), `${line(0)}\n`);
      await chmod(mine.path('app.json.log.1'), 0);
      const run = runOf(mine.signal);
      expect(await ask(mine.source(), {}, run)).toHaveLength(1);
      expect(run.notes[0]?.text).toContain('app.json.log.1');
      await chmod(mine.path('app.json.log'), 0);
      await expect(ask(mine.source())).rejects.toThrow(/no file can be read.*app\.json\.log.*EACCES/);
      expect(await mine.source().probe(mine.signal)).toMatchObject({ ok: false });
      await mine.close();
    } finally {
      if (process.getuid?.() === 0) process.seteuid?.(0);
    }
  });

  it('ends when its signal aborts', async () => {
    await writeFile(stage.path('app.json.log'), Array.from({ length: 50_000 }, (_, n) => `${line(n)}\n`).join(''));
    const controller = new AbortController();
    const reading = (async () => {
      for await (const _ of stage
        .source()
        .query.run({ from: 0, to: Number.MAX_SAFE_INTEGER, order: 'newest', where: [] }, runOf(controller.signal))) {
        controller.abort();
      }
    })();
    await expect(reading).rejects.toThrow();
  });
});

describe('paths', () => {
  it('may be globs, lists, folders that come later, and links', async () => {
    const source = stage.source({ paths: `${stage.path('{a,b}/*.log')}, ${stage.path('late/app.log')},${stage.path('current')}` });
    expect(await ask(source)).toEqual([]);
    for (const folder of ['a', 'b', 'late']) await mkdir(stage.path(folder));
    await writeFile(stage.path('a/x.log'), `${line(1, { in: 'a' })}\n`);
    await writeFile(stage.path('b/y.log.1'), `${line(2)}\n`);
    await writeFile(stage.path('b/y.log.bak'), `${line(3)}\n`);
    await writeFile(stage.path('late/app.log-20250101'), `${line(4)}\n`);
    await writeFile(stage.path('target'), `${line(5)}\n`);
    await symlink(stage.path('target'), stage.path('current'));
    expect((await ask(source)).map(({ time }) => time)).toEqual([5, 4, 2, 1].map(microsAt));
  });

  it('with characters of globs in them are taken as they are when such a file is there', async () => {
    await mkdir(stage.path('a (1)[x]'));
    await writeFile(stage.path('a (1)[x]/app.log'), `${line(1)}\n`);
    await writeFile(stage.path('a (1)[x]/app.log.1'), `${line(0)}\n`);
    expect(await ask(stage.source({ paths: stage.path('a (1)[x]/app.log') }))).toHaveLength(2);
  });

  it('are told by the probe', async () => {
    expect(await stage.source().probe(stage.signal)).toMatchObject({ ok: false });
    await writeFile(stage.path('app.json.log'), `${line(1)}\n${line(9)}\n${line(2)}\n`);
    const probe = await stage.source().probe(stage.signal);
    expect(probe).toMatchObject({ ok: true, newest: microsAt(9) });
    expect(await readFile(stage.path('app.json.log'), 'utf8')).toContain('line 9');
  });
});
