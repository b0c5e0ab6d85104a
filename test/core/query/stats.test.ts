import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MOST_GROUPS, RequestError, type StatsFacet, type StatsRow } from '../../../core/contract/index.ts';
import { Groups } from '../../../core/query/groups.ts';
import { Held, Tally } from '../../../core/query/tally.ts';
import { entry } from './sources.ts';
import { counting, listed, measures, statsOf } from './stats-stage.ts';

describe('what is counted from entries', () => {
  const rows = [
    entry(1, 'a', { level: 'INFO', ms: 1, at: { host: 'x' } }),
    entry(2, 'b', { level: 'INFO', ms: 2, at: { host: 'x' } }),
    entry(3, 'c', { level: 'info', ms: '3', at: { host: null } }),
    entry(11, 'd', { level: 'ERROR', ms: 0.1, at: ['x'] }),
    entry(12, 'e', { level: 'ERROR', ms: 0.2, 'at.host': 'y' }),
    entry(13, 'f', { level: 1, ms: null }),
    entry(14, 'g', { level: '1', ms: 4.5 }),
  ];
  const { ask } = statsOf([listed('app', rows)]);

  it('is grouped by exact values, the largest groups first', async () => {
    const answer = await ask({ by: ['level'] });
    expect(answer).toEqual({
      rows: [
        { group: { level: 'ERROR' }, count: 2, values: {} },
        { group: { level: 'INFO' }, count: 2, values: {} },
        { group: { level: '1' }, count: 1, values: {} },
        { group: { level: 'info' }, count: 1, values: {} },
        { group: { level: 1 }, count: 1, values: {} },
      ],
      truncated: false,
      sources: [{ name: 'app', label: 'app', status: 'ok', count: 7, duplicates: 0, tookMs: expect.any(Number) }],
      notes: [],
    });
  });

  it('is grouped by a path of keys, which an array ends', async () => {
    const { rows } = await ask({ by: ['at.host'] });
    expect(rows.map(({ group, count }) => [group['at.host'], count])).toEqual([
      [null, 4],
      ['x', 2],
      ['y', 1],
    ]);
    expect((await ask({ by: ['at'] })).rows.map(({ group }) => group['at'])).toEqual([null, '{"host":"x"}', '["x"]', '{"host":null}']);
  });

  it('is measured where there are numbers', async () => {
    const all = measures(
      'count(ms)',
      'sum(ms)',
      'avg(ms)',
      'min(ms)',
      'max(ms)',
      'p50(ms)',
      'p95(ms)',
      'p100(ms)',
      'avg(level)',
      'sum(nothing)',
      'count(nothing)',
    );
    const [found] = (await ask({ measures: all })).rows;
    expect(found).toEqual({
      group: {},
      count: 7,
      values: {
        'count(ms)': 5,
        'sum(ms)': 7.8,
        'avg(ms)': 1.56,
        'min(ms)': 0.1,
        'max(ms)': 4.5,
        'p50(ms)': 1,
        // The fourth of the five and 0.8 of the way to the fifth.
        'p95(ms)': 4,
        'p100(ms)': 4.5,
        'avg(level)': 1,
        'sum(nothing)': null,
        'count(nothing)': 0,
      },
    });
  });

  it('is put into buckets, in order, also before 1970', async () => {
    const early = statsOf([listed('app', [...rows, entry(-1, 'z')])]);
    const { rows: found, truncated } = await early.ask({ from: -100, bucket: 10, limit: 2 });
    expect(found.map(({ time, count }) => [time, count])).toEqual([
      [-10, 1],
      [0, 3],
    ]);
    expect(truncated).toBe(true);
  });

  it('obeys the range and the conditions', async () => {
    expect((await ask({ from: 2, to: 14, where: [{ field: 'level', op: '!=', value: 'ERROR' }] })).rows).toMatchObject([{ count: 3 }]);
    expect((await ask({ from: 100 })).rows).toEqual([]);
  });

  it('adds decimals as decimals, in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }), { minLength: 1, maxLength: 60 }),
        async (cents) => {
          const facts = cents.map((value, index) => entry(index, `e${index}`, { amount: value / 100 }));
          const { rows } = await statsOf([listed('app', facts)]).ask({ measures: measures('sum(amount)') });
          expect(rows[0]?.values['sum(amount)']).toBe(Number(cents.reduce((sum, value) => sum + BigInt(value), 0n)) / 100);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('reads page after page', async () => {
    const many = Array.from({ length: 12_001 }, (_, index) =>
      entry(index, `e${String(index).padStart(5, '0')}`, { n: index % 3, ms: index }),
    );
    const { rows, sources } = await statsOf([listed('app', many)]).ask({ by: ['n'], measures: measures('sum(ms)', 'p50(ms)') });
    expect(rows.map(({ count }) => count)).toEqual([4001, 4000, 4000]);
    expect(rows[0]?.values).toEqual({ 'sum(ms)': 24_006_000, 'p50(ms)': 6000 });
    expect(sources).toMatchObject([{ count: 12_001 }]);
  });

  it('is not more groups than anybody can want', async () => {
    const groups = new Groups({ from: 0, to: 1, where: [], by: ['n'], measures: [] });
    for (let n = 0; n < MOST_GROUPS; n++) groups.add(0, { n });
    groups.add(0, { n: 0 });
    expect(() => groups.add(0, { n: -1 })).toThrow(/more than 100000 groups/);
    const rows = Array.from({ length: MOST_GROUPS + 1 }, (_, n): StatsRow => ({ group: { n }, count: 1, values: {} }));
    const asked = statsOf([counting('db', rows).member]).ask({ by: ['n'] });
    await expect(asked).rejects.toMatchObject({ parameter: 'by', message: expect.stringContaining('more than 100000 groups') });
  });

  it('is not more numbers for quantiles than memory is for', () => {
    const held = new Held();
    const tally = new Tally(held);
    for (let n = 0; n < 2_000_000; n++) tally.add(n);
    expect(tally.value('p50')).toBe(999_999.5);
    expect(() => tally.add(1)).toThrow(RequestError);
  });
});

describe('what a source counts by itself', () => {
  const row = (level: string, count: number, values: StatsRow['values'] = {}): StatsRow => ({ group: { level }, count, values });

  it('is asked in parts that add up, and answered as asked', async () => {
    const { asked, member } = counting('db', [row('INFO', 3, { 'sum(ms)': 4.5, 'count(ms)': 2, 'p95(ms)': 4 })]);
    const answer = await statsOf([member]).ask({ by: ['level'], measures: measures('avg(ms)', 'p95(ms)', 'sum(ms)') });
    expect(asked[0]?.measures).toEqual(measures('sum(ms)', 'count(ms)', 'p95(ms)'));
    expect(answer.rows).toEqual([row('INFO', 3, { 'avg(ms)': 2.25, 'p95(ms)': 4, 'sum(ms)': 4.5 })]);
    expect(answer.sources).toMatchObject([{ name: 'db', status: 'ok', count: 3 }]);
  });

  it('adds up with what others count, and with what comes from entries', async () => {
    const first = counting('first', [row('INFO', 3, { 'sum(ms)': 0.1, 'count(ms)': 1, 'min(ms)': 0.1, 'max(ms)': 0.1 })]);
    const second = counting('second', [
      row('INFO', 2, { 'sum(ms)': 0.2, 'count(ms)': 2, 'min(ms)': -1, 'max(ms)': 1.2 }),
      row('ERROR', 1, { 'sum(ms)': null, 'count(ms)': 0, 'min(ms)': null, 'max(ms)': null }),
    ]);
    const app = listed('app', [entry(1, 'a', { level: 'INFO', ms: 7 })]);
    const asked = { by: ['level'], measures: measures('avg(ms)', 'sum(ms)', 'min(ms)', 'max(ms)') };
    const { rows, sources } = await statsOf([first.member, second.member, app]).ask(asked);
    expect(rows).toEqual([
      row('INFO', 6, { 'avg(ms)': 7.3 / 4, 'sum(ms)': 7.3, 'min(ms)': -1, 'max(ms)': 7 }),
      row('ERROR', 1, { 'avg(ms)': null, 'sum(ms)': null, 'min(ms)': null, 'max(ms)': null }),
    ]);
    expect(sources.map(({ name, count }) => [name, count])).toEqual([
      ['first', 3],
      ['second', 3],
      ['app', 1],
    ]);
  });

  const facts = [entry(1, 'a', { level: 'INFO', ms: 1 }), entry(2, 'b', { level: 'INFO', ms: 3 })];

  it.each<[string, Partial<StatsFacet>, readonly StatsRow[]]>([
    ['it cannot', { plan: async () => false }, []],
    ['it has one group twice, and quantiles do not add up', {}, [row('INFO', 1, { 'p50(ms)': 1 }), row('INFO', 1, { 'p50(ms)': 3 })]],
  ])('is counted from entries when %s', async (_why, facet, rows) => {
    const { member } = counting('db', rows, facet, {}, facts);
    const answer = await statsOf([member]).ask({ by: ['level'], measures: measures('p50(ms)') });
    expect(answer.rows).toEqual([row('INFO', 2, { 'p50(ms)': 2 })]);
    expect(answer.sources).toMatchObject([{ name: 'db', status: 'ok', count: 2 }]);
  });

  it('is counted from entries for quantiles over several sources', async () => {
    const { asked, member } = counting('db', [], {}, {}, facts);
    const answer = await statsOf([member, listed('app', [entry(3, 'c', { level: 'INFO', ms: 8 })])]).ask({ measures: measures('p50(ms)') });
    expect(asked).toEqual([]);
    expect(answer.rows).toEqual([{ group: {}, count: 3, values: { 'p50(ms)': 3 } }]);
  });

  it.each<[string, StatsRow | unknown, RegExp]>([
    ['no list', 'rows', /stats\.run\(\) yields lists of rows/],
    ['no count', [{ group: { level: 'x' }, count: 0.5, values: { 'sum(ms)': 1 } }], /counts one entry or more/],
    ['no measure', [{ group: { level: 'x' }, count: 1, values: {} }], /a finite number or null for sum\(ms\)/],
    ['no group', [{ group: {}, count: 1, values: { 'sum(ms)': 1 } }], /a value for each field of by/],
    [
      'a time that was not asked for',
      [{ time: 1, group: { level: 'x' }, count: 1, values: { 'sum(ms)': 1 } }],
      /a time when there are buckets/,
    ],
  ])('fails when it breaks the contract by %s', async (_what, batch, message) => {
    const { member } = counting('db', [], {
      async *run() {
        yield batch as StatsRow[];
      },
    });
    const { ask, log } = statsOf([member]);
    const answer = await ask({ by: ['level'], measures: measures('sum(ms)') });
    expect(answer.rows).toEqual([]);
    expect(answer.sources).toMatchObject([{ status: 'failed', error: expect.stringMatching(message) }]);
    expect(log.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
  });

  it('is not waited for longer than the deadline, and told to stop', async () => {
    let stopped = false;
    const { member } = counting('slow', [], {
      async *run(_query, { signal }) {
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        stopped = true;
        yield [];
      },
    });
    const answer = await statsOf([member, listed('app', facts)], 60).ask({});
    expect(answer.rows).toMatchObject([{ count: 2 }]);
    expect(answer.sources).toMatchObject([
      { name: 'slow', status: 'timeout', count: 0 },
      { name: 'app', status: 'ok', count: 2 },
    ]);
    expect(answer.notes).toEqual([expect.stringMatching(/the answer is partial: slow: gave no answer/)]);
    expect(stopped).toBe(true);
  });

  it('ends with the request', async () => {
    const controller = new AbortController();
    const { member } = counting('slow', [], { plan: () => new Promise(() => undefined) });
    const asked = statsOf([member]).ask({}, controller.signal);
    controller.abort(new Error('gone'));
    await expect(asked).rejects.toThrow('gone');
  });
});
