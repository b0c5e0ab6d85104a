import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  CauceError,
  PermanentError,
  type Query,
  RequestError,
  RetryableError,
  type Run,
  type Source,
} from '../../../core/contract/index.ts';
import { Circuits } from '../../../core/query/circuit.ts';
import { createQueryEngine } from '../../../core/query/engine.ts';
import type { Member } from '../../../core/query/member.ts';
import { createStats } from '../../../core/query/stats.ts';
import { createEvents } from '../../../core/telemetry/events.ts';
import { entry, keepLog, listSource, member, never, plain } from './sources.ts';

const REST = 5000;
const rows = [entry(1, 'a'), entry(2, 'b')];
const forever = () => new Promise<never>(() => undefined);

/** Only the clock that circuits rest by; deadlines go on as they do. */
let skew = 0;
const real = performance.now.bind(performance);
beforeEach(() => {
  skew = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => real() + skew);
});
afterEach(() => vi.restoreAllMocks());

/** One source that does as it is told, beside one that is well, and everything that asks them. */
function stage(deadline = 60_000) {
  const log = keepLog();
  const events = createEvents();
  const asked: string[] = [];
  events.on('source', ({ source }) => asked.push(source));
  const ill = { calls: 0, does: async (): Promise<unknown> => undefined };
  const call = async () => {
    ill.calls++;
    await ill.does();
  };
  const list = listSource(() => rows, plain);
  const create = (): Source => ({
    type: 'logs',
    latest: async () => {
      await call();
      return [];
    },
    query: {
      ...list,
      async *run(query: Query, run: Run) {
        await call();
        yield* list.run(query, run);
      },
    },
    stats: {
      plan: () => true,
      async *run() {
        await call();
        yield [{ group: {}, count: 2, values: {} }];
      },
    },
  });
  const members: Member[] = [member('ill', create()), member('well', { query: listSource(() => [entry(3, 'c')], plain) })];
  const circuits = new Circuits();
  const parts = { members: () => members, deadline, circuits, log };
  const engine = createQueryEngine({ ...parts, events });
  const stats = createStats({ ...parts, query: engine.query });
  const ask = async (signal = never) => (await engine.query('logs', {}, signal)).sources[0];
  return { log, ill, members, circuits, create, engine, stats, ask, asked };
}

const refuse = (error: unknown) => async () => Promise.reject(error);
const DOWN = new Error('connection refused');

describe('a source that is not there', () => {
  it.each<[string, () => Promise<unknown>, 'failed' | 'timeout', RegExp]>([
    ['refuses the connection', refuse(DOWN), 'failed', /last: connection refused/],
    ['says that it may work later', refuse(new RetryableError('starting up')), 'failed', /last: starting up/],
    ['does not answer', forever, 'timeout', /last: gave no answer within 50 ms/],
  ])('and %s three times is not asked any more, and its report says so', async (_, does, status, last) => {
    const { ill, ask, engine, log, asked, circuits, members } = stage(50);
    ill.does = does;
    for (let times = 0; times < 3; times++) expect(await ask()).toMatchObject({ status, error: expect.not.stringMatching(/not asked/) });
    for (let times = 0; times < 5; times++) {
      const page = await engine.query('logs', {}, never);
      expect(page.sources[0]).toMatchObject({
        status,
        tookMs: 0,
        error: expect.stringMatching(/^is not asked: it failed 3 times in a row/),
      });
      expect(page.sources[0]?.error).toMatch(last);
      expect(page.sources[0]?.error).toMatch(/; it is asked again in [1-5] s$/);
      expect(page.entries.map(({ id }) => id)).toEqual(['c']);
      expect(page.notes[0]).toMatch(/^the answer is partial: ill: is not asked/);
    }
    expect(ill.calls).toBe(3);
    expect(circuits.isOpen(members[0]?.source as Source)).toBe(true);
    // Neither the log nor the metrics tell again and again what nobody tried.
    expect(log.lines.filter(({ level }) => level === 'warn').map(({ text }) => text)).toEqual([
      'a source did not answer a query',
      'a source failed several times in a row; it is left alone for a while',
    ]);
    expect(asked.filter((name) => name === 'ill')).toHaveLength(3);
  });

  it('is tried by one request after its rest, and asked by all when that succeeds', async () => {
    const { ill, ask, log } = stage();
    ill.does = refuse(DOWN);
    for (let times = 0; times < 3; times++) await ask();
    skew += REST;
    expect((await ask())?.error).toBe('connection refused');
    expect((await ask())?.error).toMatch(/^is not asked: it failed 4 times in a row/);
    skew += REST;
    let release: (value?: unknown) => void = () => undefined;
    ill.does = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    const trial = ask();
    await vi.waitFor(() => expect(ill.calls).toBe(5));
    expect((await ask())?.error).toMatch(/; another request is asking it$/);
    ill.does = async () => undefined;
    release();
    expect((await trial)?.status).toBe('ok');
    expect((await Promise.all([ask(), ask()])).map((report) => report?.status)).toEqual(['ok', 'ok']);
    expect(log.lines.at(-1)?.text).toBe('a source answers again');
  });

  it('is tried again at once when the request that tried it was given up', async () => {
    const { ill, ask } = stage();
    ill.does = refuse(DOWN);
    for (let times = 0; times < 3; times++) await ask();
    skew += REST;
    ill.does = forever;
    const controller = new AbortController();
    const trial = ask(controller.signal);
    await vi.waitFor(() => expect(ill.calls).toBe(4));
    controller.abort(new Error('the client left'));
    await expect(trial).rejects.toThrow('the client left');
    ill.does = async () => undefined;
    expect((await ask())?.status).toBe('ok');
  });

  it('begins anew with a new instance', async () => {
    const { ill, ask, members, create } = stage();
    ill.does = refuse(DOWN);
    for (let times = 0; times < 3; times++) await ask();
    members[0] = member('ill', create());
    expect((await ask())?.error).toBe('connection refused');
  });

  it('is known to whoever asks: pages, the present state and stats', async () => {
    const { ill, engine, stats, ask } = stage();
    ill.does = refuse(DOWN);
    await ask();
    await engine.latest('logs', { sources: ['ill'] }, never);
    const counted = await stats('logs', { sources: ['ill', 'well'] }, never);
    expect(counted.sources[0]).toMatchObject({ status: 'failed', error: 'connection refused' });
    expect(ill.calls).toBe(3);
    const refused = { status: 'failed', error: expect.stringMatching(/^is not asked/) };
    expect((await engine.latest('logs', { sources: ['ill'] }, never)).sources[0]).toMatchObject(refused);
    const after = await stats('logs', { sources: ['ill', 'well'] }, never);
    expect(after.sources[0]).toMatchObject(refused);
    expect(after.rows).toMatchObject([{ count: 1 }]);
    expect(await ask()).toMatchObject(refused);
    expect(ill.calls).toBe(3);
    skew += REST;
    ill.does = async () => undefined;
    expect((await stats('logs', { sources: ['ill'] }, never)).rows).toMatchObject([{ count: 2 }]);
    expect((await ask())?.status).toBe('ok');
  });
});

describe('a source that is there', () => {
  it.each<[string, unknown]>([
    ['a request that is wrong', new RequestError('where', 'cannot compare that')],
    ['what it may not do', new PermanentError('no such table')],
    ['what it got wrong', new CauceError('ERR_CONTRACT', 'broke a rule')],
  ])('and refuses %s is asked every time', async (_, error) => {
    const { ill, ask } = stage();
    ill.does = refuse(error);
    for (let times = 0; times < 6; times++) await ask();
    expect(ill.calls).toBe(6);
  });

  it('and answers between its failures is asked every time', async () => {
    const { ill, ask } = stage();
    for (const does of [refuse(DOWN), refuse(DOWN), async () => undefined, refuse(DOWN), refuse(DOWN)]) {
      ill.does = does;
      await ask();
    }
    expect((await ask())?.error).toBe('connection refused');
    expect(ill.calls).toBe(6);
  });

  it('and is given up by its clients is asked every time', async () => {
    const { ill, ask } = stage();
    ill.does = forever;
    for (let times = 0; times < 4; times++) {
      const controller = new AbortController();
      const asking = ask(controller.signal);
      await vi.waitFor(() => expect(ill.calls).toBe(times + 1));
      controller.abort(new Error('the client left'));
      await expect(asking).rejects.toThrow('the client left');
    }
    ill.does = async () => undefined;
    expect((await ask())?.status).toBe('ok');
  });
});
