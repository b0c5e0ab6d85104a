import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Draft, draft, type FollowRequest, type Log, type Lost, type Query, RequestError } from '../../../core/contract/index.ts';
import { openDatabase } from '../../../core/state/sqlite.ts';
import { type Journal, openState, type State } from '../../../core/state/state.ts';

const log: Log = { debug() {}, info() {}, warn() {}, error() {} };
let folder: string;
let state: State;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cauce-journal-'));
  state = await openState(folder, { log, exclusive: true });
});
afterEach(async () => {
  state.close();
  await rm(folder, { recursive: true });
});

const made = (number: number, time = number) => draft({ number }, { time, id: `id.${number}` });
const made0to = (count: number) => Array.from({ length: count }, (_, number) => made(number));

interface Read {
  readonly ids: string[];
  readonly cursors: string[];
  readonly lost: Lost[];
}

/** Reads up to where the journal ends now. */
async function readFrom(journal: Journal, after: FollowRequest['after']): Promise<Read> {
  const { signal } = new AbortController();
  const until = (await journal.follow.open({ after: 'end' }, signal)).start;
  const following = await journal.follow.open({ after, until }, signal);
  const read: Read = { ids: [], cursors: [], lost: [...following.lost] };
  for await (const batch of following.batches) {
    read.ids.push(...batch.entries.map(({ id }) => id));
    read.cursors.push(...batch.entries.map((_, index) => batch.cursorAt(index)));
    if (batch.lost) read.lost.push(batch.lost);
  }
  return read;
}

async function all(journal: Journal, query: Partial<Query> = {}): Promise<string[]> {
  const got: Draft[] = [];
  const whole: Query = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY, order: 'newest', where: [], ...query };
  for await (const drafts of journal.query.run(whole, { signal: new AbortController().signal, note() {} })) got.push(...drafts);
  return got.map(({ id }) => id);
}

describe('following a journal', () => {
  it('resumes exactly behind any entry, whatever was appended in what pieces', async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(700), { maxLength: 5 }), fc.nat(), async (pieces, at) => {
        const journal = state.journal(`resume-${run++}`);
        const other = state.journal('other');
        let number = 0;
        for (const size of pieces) {
          await Promise.all([
            journal.append(Array.from({ length: size }, () => made(number++))),
            other.append([made(run * 10_000 + number)]),
          ]);
        }
        const whole = await readFrom(journal, 'beginning');
        expect(whole.ids).toEqual(Array.from({ length: number }, (_, index) => `id.${index}`));
        const index = number === 0 ? 0 : at % number;
        const rest = await readFrom(journal, { '': whole.cursors[index] ?? '' });
        expect(rest.ids).toEqual(whole.ids.slice(number === 0 ? 0 : index + 1));
        expect([...whole.lost, ...rest.lost]).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });

  it('counts what pruning would delete, and tells how much it holds', async () => {
    const journal = state.journal('a');
    expect(await journal.volume()).toEqual({ entries: 0 });
    await journal.append(made0to(10));
    await state.journal('b').append(made0to(3));
    expect(await journal.volume()).toEqual({ entries: 10, oldest: 0, newest: 9 });
    expect(await journal.count(4)).toBe(4);
    expect(await journal.prune(4)).toBe(4);
    expect(await journal.count(4)).toBe(0);
    expect(await journal.volume()).toEqual({ entries: 6, oldest: 4, newest: 9 });
  });

  it('ends at a position that pruning took away', async () => {
    const journal = state.journal('a');
    await journal.append(made0to(10));
    const { cursors } = await readFrom(journal, 'beginning');
    await journal.prune(100);
    const { batches } = await journal.follow.open({ after: 'beginning', until: { '': cursors[5] ?? '' } }, new AbortController().signal);
    for await (const batch of batches) expect(batch).toBeUndefined();
  });

  it('tells a reader, and only one who has not read it, of what pruning took away', async () => {
    const journal = state.journal('a');
    await journal.append(made0to(10));
    const { cursors } = await readFrom(journal, 'beginning');
    await journal.prune(5);
    expect(await readFrom(journal, { '': cursors[2] ?? '' })).toMatchObject({
      ids: ['id.5', 'id.6', 'id.7', 'id.8', 'id.9'],
      lost: [{ lane: '', reason: expect.stringContaining('retention') }],
    });
    expect(await readFrom(journal, { '': cursors[4] ?? '' })).toMatchObject({ lost: [] });
    expect(await readFrom(journal, 'beginning')).toMatchObject({ lost: [] });
    expect(await readFrom(state.journal('b'), { '': cursors[2] ?? '' })).toMatchObject({ ids: [], lost: [] });
  });

  it('tells a slow reader of what is pruned while it reads', async () => {
    const journal = state.journal('a');
    await journal.append(made0to(1200));
    const controller = new AbortController();
    const { batches } = await journal.follow.open({ after: 'beginning' }, controller.signal);
    const seen: { first: string | undefined; lost: boolean }[] = [];
    for await (const batch of batches) {
      seen.push({ first: batch.entries[0]?.id, lost: batch.lost !== undefined });
      if (seen.length === 1) await journal.prune(900);
      if (seen.length === 2) await journal.append([made(1200)]);
      if (seen.length === 3) controller.abort();
    }
    expect(seen).toEqual([
      { first: 'id.0', lost: false },
      { first: 'id.900', lost: true },
      { first: 'id.1200', lost: false },
    ]);
  });

  it('reads all of a file that was begun anew, and says that the old one is gone', async () => {
    await state.journal('a').append(made0to(5));
    const { cursors } = await readFrom(state.journal('a'), 'beginning');
    state.close();
    await rename(join(folder, 'state.db'), join(folder, 'gone.db'));
    state = await openState(folder, { log, exclusive: true });
    await state.journal('a').append([made(70)]);
    expect(await readFrom(state.journal('a'), { '': cursors[4] ?? '' })).toMatchObject({
      ids: ['id.70'],
      lost: [{ reason: expect.stringContaining('begun anew') }],
    });
  });

  it('starts at the end for a position of a later file, and says so', async () => {
    const journal = state.journal('a');
    await journal.append([made(1)]);
    const { start, lost } = await journal.follow.open({ after: { '': '9007199254740991' } }, new AbortController().signal);
    expect(lost).toHaveLength(1);
    await journal.append([made(2)]);
    expect((await readFrom(journal, start)).ids).toEqual(['id.2']);
  });

  it.each(['x', '-1', '1.5', '1e3', '99999999999999999999'])('refuses %j, which is no cursor', async (cursor) => {
    await expect(state.journal('a').follow.open({ after: { '': cursor } }, new AbortController().signal)).rejects.toThrow(RequestError);
  });

  it('sees what another process appends', async () => {
    const journal = state.journal('a');
    const controller = new AbortController();
    const { batches } = await journal.follow.open({ after: 'end' }, controller.signal);
    const other = await openState(folder, { log, exclusive: false });
    setImmediate(() => void other.journal('a').append([made(1)]));
    for await (const batch of batches) {
      expect(batch.entries.map(({ id }) => id)).toEqual(['id.1']);
      controller.abort();
    }
    other.close();
  });
});

describe('a journal', () => {
  it('commits together what is appended together, and refuses nonsense alone', async () => {
    const journal = state.journal('a');
    const results = await Promise.allSettled([
      ...made0to(500).map((one) => journal.append([one])),
      journal.append([{ id: 'two words', time: 1, json: '{}' }]),
      journal.append([{ id: 'no-time', time: Number.NaN, json: '{}' }]),
    ]);
    expect(results.flatMap(({ status }, index) => (status === 'rejected' ? [index] : []))).toEqual([500, 501]);
    expect(await all(journal)).toHaveLength(500);
  });

  it('holds what was appended in the very turn in which it is closed', async () => {
    const appended = state.journal('a').append([made(1)]);
    state.close();
    await appended;
    await expect(state.journal('a').append([made(2)])).rejects.toThrow(/is closed already/);
    state = await openState(folder, { log, exclusive: true });
    expect(await all(state.journal('a'))).toEqual(['id.1']);
  });

  it('keeps the origin, and one observation of one id per source', async () => {
    await state.journal('a').append([{ ...made(1), origin: 'elsewhere' }, made(1, 99)]);
    await state.journal('b').append([made(1)]);
    const run = { signal: new AbortController().signal, note() {} };
    const query: Query = { from: 0, to: 100, order: 'oldest', where: [] };
    const got: Draft[] = [];
    for await (const drafts of state.journal('a').query.run(query, run)) got.push(...drafts);
    expect(got).toEqual([{ id: 'id.1', time: 1, json: '{"number":1}', origin: 'elsewhere' }]);
  });

  it('answers across pages as across one, and with a limit', async () => {
    const journal = state.journal('a');
    await journal.append(Array.from({ length: 1300 }, (_, number) => made(number, number % 7)));
    const oldest = await all(journal, { order: 'oldest' });
    expect(new Set(oldest).size).toBe(1300);
    expect((await all(journal)).reverse()).toEqual(oldest);
    expect(await all(journal, { order: 'oldest', limit: 700 })).toEqual(oldest.slice(0, 700));
  });

  it('finds its rows by an index', () => {
    const database = openDatabase(join(folder, 'state.db'));
    const plan = (sql: string) =>
      database
        .prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .all()
        .map(({ detail }) => String(detail))
        .join();
    expect(plan("SELECT json FROM journal WHERE source = 'a' AND time >= 1 AND time < 9 ORDER BY time DESC, id DESC")).toMatch(
      /^SEARCH.*journal_order \(source=\? AND time>\? AND time<\?\)$/,
    );
    expect(plan("SELECT json FROM journal WHERE source = 'a' AND seq > 1 AND seq <= 9 ORDER BY seq")).toMatch(/^SEARCH.*seq>\?/);
    database.close();
  });

  it('prunes more than one bite, and counts it', async () => {
    const journal = state.journal('a');
    await journal.append(made0to(4500));
    expect(await journal.prune(4321)).toBe(4321);
    expect(await all(journal)).toHaveLength(179);
  });
});
