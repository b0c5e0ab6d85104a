import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Draft, draft, type Log, type Query, type Step } from '../../../core/contract/index.ts';
import { openDatabase } from '../../../core/state/sqlite.ts';
import { type Journal, openState, type State } from '../../../core/state/state.ts';

const errors: string[] = [];
const log: Log = { debug() {}, info() {}, warn() {}, error: (text) => void errors.push(text) };
let folder: string;
let state: State | undefined;
beforeEach(async () => {
  errors.length = 0;
  folder = await mkdtemp(join(tmpdir(), 'cauce-state-'));
});
afterEach(async () => {
  state?.close();
  state = undefined;
  await rm(folder, { recursive: true });
});

const opened = async (exclusive = true) => {
  state = await openState(folder, { log, exclusive });
  return state;
};
const reopened = async () => {
  state?.close();
  return opened();
};
const everything: Query = { from: 0, to: Number.MAX_SAFE_INTEGER, order: 'newest', where: [] };

async function all(journal: Journal, query: Query = everything): Promise<Draft[]> {
  const got: Draft[] = [];
  const run = { signal: new AbortController().signal, note() {} };
  for await (const drafts of journal.query.run(query, run)) got.push(...drafts);
  return got;
}

async function edit(path: string, change: (file: FileHandle) => Promise<unknown>): Promise<void> {
  const file = await open(path, 'r+');
  await change(file);
  await file.close();
}

function appender(...args: string[]) {
  return spawn(process.execPath, ['--import', 'jiti/register', resolve('test/core/state/appender.ts'), folder, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

describe('the state', () => {
  it('keeps values across a restart, scope by scope', async () => {
    const { keyValue } = await opened();
    await keyValue('a').set('key', { deep: [1, null, 'é'] });
    await keyValue('b').set('key', 2);
    await keyValue('b').delete('key');
    const again = await reopened();
    expect(await again.keyValue('a').get('key')).toEqual({ deep: [1, null, 'é'] });
    expect(await again.keyValue('b').get('key')).toBeUndefined();
  });

  it('is private to its user', async () => {
    await opened();
    expect((await stat(join(folder, 'state.db'))).mode & 0o777).toBe(0o600);
  });

  it('holds all that was acknowledged before a kill -9', async () => {
    const child = appender('shared');
    let out = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    await expect.poll(() => out.split('\n').length, { timeout: 20_000 }).toBeGreaterThan(50);
    child.kill('SIGKILL');
    await once(child, 'close');
    const acknowledged = out.split('\n').slice(1, -1);
    const held = new Set((await all((await opened()).journal('source'))).map(({ id }) => id));
    expect(acknowledged.filter((id) => !held.has(id))).toEqual([]);
    expect(state?.quarantined).toBeUndefined();
  });

  it('refuses a second agent by name, and lets it in after a kill -9', async () => {
    const child = appender('exclusive');
    await once(child.stdout, 'data');
    const second = openState(folder, { log, exclusive: true });
    await expect(second).rejects.toThrow(new RegExp(`another agent \\(pid ${child.pid}\\) uses the state folder ${folder}`));
    child.kill('SIGKILL');
    await once(child, 'close');
    state = await openState(folder, { log, exclusive: true });
    await state.keyValue('a').set('works', true);
  });

  it.each([
    ['garbage', async (path: string) => writeFile(path, 'this is no database at all, '.repeat(100))],
    ['a truncated file', (path: string) => edit(path, (file) => file.truncate(6000))],
    ['a damaged page', (path: string) => edit(path, (file) => file.write(Buffer.alloc(4000, 0xff), 0, 4000, 4096))],
  ])('puts %s aside, says so, and begins anew', async (_name, damage) => {
    const { journal } = await opened();
    await journal('x').append(
      Array.from({ length: 500 }, (_, number) => draft({ number, text: 'x'.repeat(100) }, { time: number, id: `id.${number}` })),
    );
    state?.close();
    state = undefined;
    const path = join(folder, 'state.db');
    await damage(path);
    const damaged = await readFile(path);
    await expect(opened(false), 'a visitor leaves it alone').rejects.toThrow(/is damaged; the agent puts it aside/);
    const again = await opened();
    expect(again.quarantined).toMatch(/state\.db\.corrupt-\d{8}T\d+Z$/);
    expect(await readFile(again.quarantined as string)).toEqual(damaged);
    expect(errors.join()).toMatch(/damaged; it was put aside/);
    await again.keyValue('a').set('works', true);
    expect(await (await reopened()).keyValue('a').get('works')).toBe(true);
    expect((await readdir(folder)).filter((name) => name.includes('corrupt')).length).toBeGreaterThan(0);
  });

  it('refuses a file of a newer agent, and leaves it alone', async () => {
    await opened();
    state?.close();
    state = undefined;
    const database = openDatabase(join(folder, 'state.db'));
    database.exec('PRAGMA user_version = 999');
    database.close();
    await expect(opened()).rejects.toThrow(/written by a newer agent \(version 999/);
    expect((await readdir(folder)).some((name) => name.includes('corrupt'))).toBe(false);
  });
});

describe('a journal', () => {
  it('answers like a sorted list, whatever is asked', async () => {
    const { journal } = await opened();
    let number = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 40 }),
        fc.record({
          from: fc.nat(20),
          to: fc.nat(25),
          newest: fc.boolean(),
          limit: fc.option(fc.integer({ min: 1, max: 10 })),
          at: fc.option(fc.nat(20)),
        }),
        async (times, { from, to, newest, limit, at }) => {
          const drafts = times.map((time, index) => draft({ time }, { time, id: `id.${(index * 7) % 40}.${index}` }));
          const source = `source-${number++}`;
          await journal(source).append(drafts);
          const order = newest ? 'newest' : 'oldest';
          const query: Query = {
            from,
            to,
            order,
            where: [],
            ...(limit !== null && { limit }),
            ...(at !== null && { after: { time: at, id: 'id.20' } }),
          };
          const sign = newest ? -1 : 1;
          const compare = (a: { time: number; id: string }, b: { time: number; id: string }) =>
            sign * (a.time - b.time || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
          const wanted = drafts
            .filter(({ time }) => time >= from && time < to)
            .filter((one) => !query.after || compare(one, query.after) > 0)
            .sort(compare)
            .slice(0, limit ?? undefined);
          expect((await all(journal(source), query)).map(({ id }) => id)).toEqual(wanted.map(({ id }) => id));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('takes a draft once, and prunes what is old', async () => {
    const journal = (await opened()).journal('source');
    const drafts = [1, 2, 3].map((time) => draft({ time }, { time, id: `id.${time}` }));
    await journal.append(drafts);
    await journal.append(drafts);
    expect(await all(journal)).toHaveLength(3);
    expect(await journal.prune(3)).toBe(2);
    expect((await all(journal)).map(({ id }) => id)).toEqual(['id.3']);
  });

  it('follows what is appended, and resumes behind any entry', async () => {
    const journal = (await opened()).journal('source');
    const controller = new AbortController();
    const { batches } = await journal.follow.open({ after: 'beginning' }, controller.signal);
    const seen: Pick<Step, 'cursor'>[] = [];
    const reading = (async () => {
      for await (const batch of batches) seen.push(...batch.entries.map((_, index) => ({ cursor: batch.cursorAt(index) })));
    })();
    for (let time = 0; time < 5; time++) await journal.append([draft({ time }, { time, id: `id.${time}` })]);
    await expect.poll(() => seen.length).toBe(5);
    controller.abort();
    await reading;
    const until = (await journal.follow.open({ after: 'end' }, new AbortController().signal)).start;
    const rest = await journal.follow.open({ after: { '': seen[2]?.cursor ?? '' }, until }, new AbortController().signal);
    const ids: string[] = [];
    for await (const { entries } of rest.batches) ids.push(...entries.map(({ id }) => id));
    expect(ids).toEqual(['id.3', 'id.4']);
  });
});
