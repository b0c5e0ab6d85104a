import fc from 'fast-check';
import { expect } from 'vitest';
import type { Runner } from '../../../core/conformance/index.ts';
import { runOf } from '../../../core/conformance/stand.ts';
import {
  type Condition,
  type Measure,
  type Micros,
  MOST_GROUPS,
  type Source,
  type StatsRequest,
  type StatsRow,
} from '../../../core/contract/index.ts';
import { createQueryEngine } from '../../../core/query/engine.ts';
import type { Member } from '../../../core/query/member.ts';
import { createStats } from '../../../core/query/stats.ts';
import { createEvents } from '../../../core/telemetry/events.ts';
import { keepLog, never } from '../query/sources.ts';
import type { TruthRow } from './truth-rows.ts';
import type { TruthPlace } from './truths.ts';

const SECOND = 1_000_000;
const EPOCH = Date.UTC(2025, 10, 7) * 1000;
const isLong = process.env['CAUCE_TEST_LONG'] === '1';

/** What collations take for the same, and what is the same only up to a length. */
const confused = fc.constantFrom('go', 'Go', 'GO', 'go ', 'gó', 'go\u0301');
const words = fc.constantFrom('', 'straße', 'strasse', '😀', '日本', "o'go", 'null', '1', 'a\\b', 'x'.repeat(1500), `${'x'.repeat(1500)}y`);
const facts = [
  '{"a":1,"developer":"Ana"}',
  '{"a":1.5,"developer":"ana"}',
  '{"a":"1","developer":"ana "}',
  '{"a":true,"developer":null}',
  '{"a":{"b": 2.25},"developer":"ñ"}',
  '{"a":{"b":-3},"developer":"日本"}',
  '{"a":[1,2],"developer":["ana"]}',
  '{"developer":"true"}',
  '{}',
  '[1]',
  '5',
  '"go"',
];

const row: fc.Arbitrary<TruthRow> = fc.record({
  word: nullable(fc.oneof(confused, words)),
  whole: nullable(fc.oneof(fc.bigInt(-3n, 3n), fc.constantFrom(2n ** 53n, 2n ** 53n + 1n, -(2n ** 62n)))),
  amount: nullable(fc.integer({ min: -300, max: 99_999_999 }).map((cents) => (cents / 100).toFixed(2))),
  ratio: nullable(fc.constantFrom(0, 0.1, 0.2, 0.3, -2.5, 5, 1e15, 1e-9)),
  flag: nullable(fc.boolean()),
  facts: nullable(fc.constantFrom(...facts)),
  seen: nullable(fc.integer({ min: 0, max: 3 }).map((second) => EPOCH + second * SECOND)),
  bytes: fc.constant(null),
  at: fc.integer({ min: -2, max: 12 }).map((half) => EPOCH + (half * SECOND) / 2),
});

const by = fc.oneof(
  fc.constantFrom('word', 'facts.developer', 'facts.a'),
  fc.constantFrom('whole', 'amount', 'ratio', 'flag', 'seen', 'at', 'facts.a.b', 'facts.x y', 'nothing', 'word.a'),
);
const fn = fc.constantFrom<Measure['fn'][]>('count', 'sum', 'avg', 'min', 'max', 'p0', 'p50', 'p95', 'p99.9', 'p33.333', 'p100');
const measured = fc.constantFrom('whole', 'amount', 'ratio', 'facts', 'facts.a', 'facts.a.b', 'word', 'flag', 'id', 'nothing');
const condition = fc.constantFrom<Condition>(
  { field: 'word', op: '=', value: 'go' },
  { field: 'word', op: '!=', value: ['GO', 'go '] },
  { field: 'word', op: '^=', value: 'go' },
  { field: 'amount', op: '>=', value: '100' },
  { field: 'whole', op: '<', value: '2' },
  { field: 'flag', op: 'exists' },
  { field: 'nothing', op: '!=', value: 'x' },
);
const moment = fc.integer({ min: -3, max: 13 }).map((half) => EPOCH + (half * SECOND) / 2);
const request: fc.Arbitrary<StatsRequest> = fc.record(
  {
    by: fc.uniqueArray(by, { maxLength: 3 }),
    measures: fc.uniqueArray(fc.record({ fn, field: measured }), { maxLength: 5 }),
    where: fc.uniqueArray(condition, { maxLength: 2 }),
    bucket: fc.constantFrom<Micros[]>(SECOND, SECOND / 2, 3 * SECOND, 7_000_001, 86_400 * SECOND),
    from: moment,
  },
  { requiredKeys: ['by', 'measures', 'where'] },
);

/** What is true of the stats of a table, whatever its database. */
export function statsTruths({ describe, it }: Runner, open: () => Promise<TruthPlace>): void {
  const test = (name: string, body: (place: TruthPlace) => Promise<void>) =>
    it(name, async () => {
      const place = await open();
      try {
        await body(place);
      } finally {
        await place.close();
      }
    });

  describe('a table that counts and measures', () => {
    test('comes to what its entries come to', async (place) => {
      const inSql = statsOf(place.source);
      const fromEntries = statsOf(withoutStats(place.source));
      await fc.assert(
        fc.asyncProperty(
          fc.array(row, { maxLength: 40, size: 'max' }),
          fc.array(request, { minLength: 12, maxLength: 12 }),
          async (rows, requests) => {
            await place.fill(rows);
            for (const asked of requests) {
              const told = JSON.stringify(asked);
              expect(await canPlan(place.source, asked), `is planned: ${told}`).toBe(true);
              const found = await inSql('metrics', asked, never);
              const wanted = await fromEntries('metrics', asked, never);
              expect(found.sources[0]?.error, told).toBeUndefined();
              expect(found.sources, told).toMatchObject([{ status: 'ok', count: wanted.sources[0]?.count }]);
              expect(withoutMeasures(found.rows), told).toEqual(withoutMeasures(wanted.rows));
              for (const [index, { values }] of found.rows.entries()) compareValues(values, wanted.rows[index]?.values ?? {}, told);
            }
          },
        ),
        { numRuns: isLong ? 400 : 6 },
      );
    });

    test('keeps apart what collations take for the same', async (place) => {
      const texts = ['go', 'Go', 'GO', 'go ', 'gó', 'go\u0301', 'straße', 'strasse', 'x'.repeat(2000), `${'x'.repeat(2000)}y`];
      const twice = texts.flatMap((word, index) =>
        [0, 2].map((more) => ({ word, facts: JSON.stringify({ word }), amount: `${10 * index + more}.00` })),
      );
      await place.fill(twice.map((given) => ({ ...BLANK, ...given })));
      for (const field of ['word', 'facts.word']) {
        for (const fn of ['sum', 'p50'] as const) {
          const { rows } = await statsOf(place.source)('metrics', { by: [field], measures: [{ fn, field: 'amount' }] }, never);
          const wanted = texts.map((text, index) => [text, 2, (10 * index + 1) * (fn === 'sum' ? 2 : 1)]);
          expect(rows.map(({ group, count, values }) => [group[field], count, values[`${fn}(amount)`]]).sort()).toEqual(wanted.sort());
        }
      }
    });

    test('adds decimals and large whole numbers exactly', async (place) => {
      const amounts = Array.from({ length: 1000 }, () => ({ ...BLANK, amount: '0.10', whole: 2n ** 60n }));
      await place.fill([...amounts, { ...BLANK, amount: '99999999.99' }]);
      const measures: Measure[] = [
        { fn: 'sum', field: 'amount' },
        { fn: 'avg', field: 'whole' },
      ];
      const [found] = (await statsOf(place.source)('metrics', { measures }, never)).rows;
      expect(found).toMatchObject({ count: 1001, values: { 'sum(amount)': 100_000_099.99, 'avg(whole)': 2 ** 60 } });
    });

    test('leaves to the core what SQL would take otherwise', async (place) => {
      const can = (asked: StatsRequest) => canPlan(place.source, asked);
      expect(await can({ where: [{ search: 'go' }] })).toBe(false);
      expect(await can({ where: [{ field: 'facts.developer', op: '=', value: 'ana' }] })).toBe(false);
      expect(await can({ by: ['facts'] })).toBe(false);
      expect(await can({ by: ['bytes'] })).toBe(false);
      expect(await can({ by: ['facts.a"b'] })).toBe(false);
      await place.fill([BLANK, { ...BLANK, facts: '{"developer":["ana"]}' }]);
      const { rows } = await statsOf(place.source)(
        'metrics',
        { by: ['facts'], where: [{ field: 'facts.developer', op: '=', value: 'ana' }] },
        never,
      );
      expect(rows).toEqual([{ group: { facts: '{"developer":["ana"]}' }, count: 1, values: {} }]);
    });

    test('tells its fields and how much there is', async (place) => {
      await place.fill([
        { ...BLANK, word: 'go', facts: '{}' },
        { ...BLANK, word: 'Go', facts: '[1]', whole: 5n, at: EPOCH + SECOND },
        { ...BLANK, word: 'go', facts: '5' },
      ]);
      const fields = (await place.source.fields?.(runOf(never))) ?? [];
      const named = new Map(fields.map((field) => [field.name, field]));
      expect(named.get('word')).toEqual({ name: 'word', kinds: ['string'], distinct: 2, top: { go: 2, Go: 1 } });
      expect(named.get('facts')).toEqual({ name: 'facts', kinds: ['array', 'number', 'object'] });
      expect(named.get('whole')).toEqual({ name: 'whole', kinds: ['null', 'number'], distinct: 1 });
      expect(named.get('ratio')).toEqual({ name: 'ratio', kinds: ['null'], distinct: 0 });
      expect(await place.source.volume?.(runOf(never))).toEqual({ entries: 3, oldest: EPOCH, newest: EPOCH + SECOND });
      await place.fill([]);
      expect(await place.source.volume?.(runOf(never))).toEqual({ entries: 0 });
      expect((await place.source.fields?.(runOf(never)))?.find(({ name }) => name === 'word')).toEqual({
        name: 'word',
        kinds: ['string'],
        distinct: 0,
      });
    });
  });
}

const BLANK: TruthRow = { word: null, whole: null, amount: null, ratio: null, flag: null, facts: null, seen: null, bytes: null, at: EPOCH };

function statsOf(source: Source) {
  const members: readonly Member[] = [{ name: 'truths', type: 'metrics', label: 'truths', mirror: false, source }];
  const parts = { members: () => members, deadline: 60_000, log: keepLog() };
  return createStats({ ...parts, query: createQueryEngine({ ...parts, events: createEvents() }).query });
}

function withoutStats({ stats: _stats, ...source }: Source): Source {
  return source;
}

async function canPlan(source: Source, { by = [], measures = [], where = [] }: StatsRequest): Promise<boolean | undefined> {
  return source.stats?.plan({ from: 0, to: Number.MAX_SAFE_INTEGER, by, measures, where });
}

function withoutMeasures(rows: readonly StatsRow[]) {
  expect(rows.length).toBeLessThan(MOST_GROUPS);
  return rows.map(({ values, ...row }) => ({ ...row, measures: Object.keys(values) }));
}

/** Doubles that a database adds in an order of its own may differ in their last digits; whatever else there is does not. */
function compareValues(found: StatsRow['values'], wanted: StatsRow['values'], told: string): void {
  for (const [name, value] of Object.entries(wanted)) {
    const other = found[name] ?? null;
    const isRounded = /^(sum|avg)\((ratio|facts|whole|id)/.test(name) && value !== null && other !== null;
    const error = isRounded ? Math.abs(other - value) : other === value ? 0 : Number.POSITIVE_INFINITY;
    expect(error, `${name} of ${told}: ${other} is ${value}`).toBeLessThanOrEqual(Math.abs(value ?? 0) * 1e-12 + 1e-12);
  }
}

function nullable<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return fc.option(arbitrary, { nil: null, freq: 4 });
}
