import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Draft, Query, QueryFacet, Run } from '../../../core/contract/index.ts';
import { createQueryEngine } from '../../../core/query/engine.ts';
import { createEvents } from '../../../core/telemetry/events.ts';
import { engine, entry, keepLog, listSource, member, never, plain } from './sources.ts';

const rows = Array.from({ length: 9 }, (_, index) => entry(index + 1, `id${index}`));
const healthy = () => member('well', { query: listSource(() => rows, plain) });
const forever = new Promise<never>(() => undefined);
const row = (time: number): Draft => ({ id: `x${time}`, time, json: '{}' });
const ordered = () => ({ where: [], order: 'exact', range: true, seeks: true }) as const;

/** Sources that misbehave, and what their reports must say. */
const bad: [string, QueryFacet, 'failed' | 'timeout', RegExp, number][] = [
  ['hangs in plan', { plan: () => forever, run: () => list([]) }, 'timeout', /no answer within/, 0],
  ['hangs in the first next', { run: () => generate(async () => forever) }, 'timeout', /no answer within/, 0],
  [
    'hangs in mid-stream',
    { plan: ordered, run: () => generate(async (turn) => (turn === 0 ? [row(100)] : forever)) },
    'timeout',
    /no answer/,
    1,
  ],
  ['never ends and never waits', { run: () => generate(async () => [row(100)]) }, 'timeout', /no answer within/, 0],
  ['throws in plan', { plan: thrower('no plan'), run: () => list([]) }, 'failed', /no plan/, 0],
  ['rejects in plan', { plan: async () => thrower('no plan')(), run: () => list([]) }, 'failed', /no plan/, 0],
  ['throws in run', { run: thrower('no run') }, 'failed', /no run/, 0],
  ['throws in asyncIterator', { run: () => ({ [Symbol.asyncIterator]: thrower('no iterator') }) }, 'failed', /no iterator/, 0],
  ['throws in next at once', { run: () => iterable(thrower('no next')) }, 'failed', /no next/, 0],
  ['rejects in next', { run: () => generate(async () => thrower('no next')()) }, 'failed', /no next/, 0],
  [
    'fails in mid-stream',
    { plan: ordered, run: () => generate(async (turn) => (turn === 0 ? [row(100)] : thrower('cut')())) },
    'failed',
    /cut/,
    1,
  ],
  ['throws something odd', { run: () => generate(async () => Promise.reject(null)) }, 'failed', /null/, 0],
];

describe('a source that misbehaves', () => {
  it.each(bad)('and %s costs the healthy one nothing', async (_, query, status, error, count) => {
    const agent = engine([member('ill', { query }), healthy()], 120);
    const page = await agent.query('logs', {}, never);
    expect(page.sources).toMatchObject([
      { name: 'ill', status, count, error: expect.stringMatching(error), retry: expect.any(String) },
      { name: 'well', status: 'ok', count: 9 },
    ]);
    expect(page.entries).toHaveLength(9 + count);
    expect(page.notes.join()).toMatch(/^the answer is partial: ill: /);
  });

  it('is told to stop, and closed, in every case', async () => {
    for (const [, query] of bad) {
      const seen: { signal?: AbortSignal; opened: boolean; closed: boolean } = { opened: false, closed: false };
      const watched: QueryFacet = {
        ...query,
        run: (asked: Query, run: Run) => {
          seen.signal = run.signal;
          const inner = query.run(asked, run)[Symbol.asyncIterator]();
          seen.opened = true;
          return { [Symbol.asyncIterator]: () => ({ next: () => inner.next(), return: async () => close(seen) }) };
        },
      };
      await engine([member('ill', { query: watched }), healthy()], 60).query('logs', {}, never);
      if (seen.signal) expect(seen.signal.aborted).toBe(true);
      expect(seen.closed).toBe(seen.opened);
    }
  });

  it('fails a request as a whole when all do', async () => {
    const page = await engine([member('a', { query: { run: thrower('one') } }), member('b', undefined, { error: 'two' })]).query(
      'logs',
      {},
      never,
    );
    expect(page.entries).toEqual([]);
    expect(page.next).toBeUndefined();
    expect(page.notes).toEqual(['no source could answer: a: one; b: two']);
  });

  it('may fail while it is closed', async () => {
    const query: QueryFacet = {
      plan: ordered,
      run: () => ({
        [Symbol.asyncIterator]: () => ({ next: async () => ({ done: false, value: [row(9), row(8)] }), return: thrower('cannot close') }),
      }),
    };
    const page = await engine([member('a', { query })]).query('logs', { limit: 1 }, never);
    expect(page.sources).toMatchObject([{ status: 'ok', count: 1 }]);
  });
});

describe('the deadline', () => {
  it('counts only the waiting for the source itself', async () => {
    // Each keeps the merge waiting for 150 ms, and all of them, one after the other, for more than the deadline.
    const slow = (name: string) =>
      member(name, {
        query: { plan: ordered, run: () => generate(async (turn) => (turn < 3 ? sleep(50, [row(90 - turn)]) : undefined)) },
      });
    const names = [...'abcdefghijkl'];
    const page = await engine(names.map(slow), 1000).query('logs', {}, never);
    expect(page.sources.map((source) => source.status)).toEqual(names.map(() => 'ok'));
    const waited = page.sources.reduce((sum, source) => sum + source.tookMs, 0);
    expect(waited).toBeGreaterThan(1000);
  });

  it('does not charge a stall of the process to a source that is ready', async () => {
    const stalling: QueryFacet = {
      plan: ordered,
      run: () =>
        generate(async (turn) => {
          if (turn > 0) return undefined;
          await sleep(5);
          const end = performance.now() + 700;
          while (performance.now() < end);
          return [row(50)];
        }),
    };
    const ready: QueryFacet = { plan: ordered, run: () => generate(async (turn) => (turn === 0 ? sleep(15, [row(40)]) : undefined)) };
    const page = await engine([member('stalling', { query: stalling }), member('ready', { query: ready })], 400).query('logs', {}, never);
    expect(page.sources).toMatchObject([{ count: 1 }, { name: 'ready', status: 'ok', count: 1 }]);
  });
});

describe('a request that is aborted', () => {
  it('rejects at once and stops every source', async () => {
    const controller = new AbortController();
    const signals: AbortSignal[] = [];
    const hung: QueryFacet = {
      run: (_, run) => {
        signals.push(run.signal);
        return generate(async () => forever);
      },
    };
    const asked = engine([member('a', { query: hung }), healthy()]).query('logs', {}, controller.signal);
    setTimeout(() => controller.abort(new Error('the client left')), 20);
    await expect(asked).rejects.toThrow('the client left');
    expect(signals.every((signal) => signal.aborted)).toBe(true);
    await expect(engine([healthy()]).query('logs', {}, controller.signal)).rejects.toThrow('the client left');
  });
});

describe('telling', () => {
  it('logs a failure once until it changes or ends', async () => {
    const log = keepLog();
    const events = createEvents();
    const statuses: string[] = [];
    events.on('query', (detail) => statuses.push(detail.status));
    let error: string | undefined = 'down';
    const members = () => [error === undefined ? healthy() : member('well', undefined, { error })];
    const agent = createQueryEngine({ members, deadline: 1000, events, log });
    for (const next of ['down', 'down', 'down harder', undefined, undefined]) {
      error = next;
      await agent.query('logs', {}, never);
    }
    expect(log.lines.map((line) => line.text)).toEqual([
      'a source did not answer a query',
      'a source did not answer a query',
      'a source answers again',
    ]);
    expect(statuses).toEqual(['failed', 'failed', 'failed', 'ok', 'ok']);
  });
});

function thrower(message: string): () => never {
  return () => {
    throw new Error(message);
  };
}

async function close(seen: { closed: boolean }) {
  seen.closed = true;
  return { done: true as const, value: undefined };
}

async function* list(batches: readonly Draft[][]): AsyncIterable<readonly Draft[]> {
  yield* batches;
}

function iterable(next: () => Promise<IteratorResult<readonly Draft[]>>): AsyncIterable<readonly Draft[]> {
  return { [Symbol.asyncIterator]: () => ({ next }) };
}

/** Ends when `produce` gives nothing. */
function generate(produce: (turn: number) => Promise<readonly Draft[] | undefined>): AsyncIterable<readonly Draft[]> {
  let turn = 0;
  return iterable(async () => {
    const value = await produce(turn++);
    return value ? { done: false, value } : { done: true, value: undefined };
  });
}
