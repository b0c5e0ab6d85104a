import fc from 'fast-check';
import { expect } from 'vitest';
import type { Runner } from '../../../core/conformance/index.ts';
import { compare } from '../../../core/conformance/rules.ts';
import { runOf } from '../../../core/conformance/stand.ts';
import type { Condition, Draft, Json, JsonObject, Op, Query, Source } from '../../../core/contract/index.ts';
import { compile } from '../../../core/query/conditions.ts';

/** A row as it is to be stored: by column, in the order of {@link TRUTH_COLUMNS}. `at` is in microseconds since 1970. */
export interface TruthRow {
  readonly word: string | null;
  readonly whole: bigint | null;
  /** A decimal with two digits behind the point. */
  readonly amount: string | null;
  readonly ratio: number | null;
  readonly flag: boolean | null;
  /** The text of a JSON value. */
  readonly facts: string | null;
  readonly seen: number | null;
  readonly bytes: Uint8Array | null;
  readonly at: number;
}

export const TRUTH_COLUMNS = ['word', 'whole', 'amount', 'ratio', 'flag', 'facts', 'seen', 'bytes', 'at'] as const;

/** A database with a table of the columns above and a key `id` that it gives by itself; `word` has an index, and `at` is the time. */
export interface TruthPlace {
  /** Replaces all rows. */
  fill(rows: readonly TruthRow[]): Promise<void>;
  readonly source: Source;
  close(): Promise<void>;
}

const everything: Query = { from: 0, to: Number.MAX_SAFE_INTEGER, order: 'newest', where: [] };
const SECOND = 1_000_000;
const EPOCH = Date.UTC(2025, 10, 7) * 1000;
const isLong = process.env['CAUCE_TEST_LONG'] === '1';

/** Texts that collations, quoting and wildcards are known to confuse. */
const WORDS = [
  ...[
    '',
    'go',
    'Go',
    'GO',
    'go ',
    ' go',
    'gó',
    'go%',
    'g_',
    'null',
    'NULL',
    'nul',
    'true',
    'false',
    '1',
    '01',
    '1.0',
    '1e0',
    '-1',
    '12.50',
  ],
  ...[
    "'",
    '"',
    '`',
    '\\',
    "\\'",
    "' OR 1=1 -- ",
    '%',
    '_',
    '|',
    '||',
    '?',
    ':a',
    '\n',
    '\t',
    'a\tb',
    'straße',
    'STRASSE',
    '日本',
    '😀',
    '😀x',
  ],
  ...[
    '\ue000',
    '\uffff',
    'x\uffff',
    'ß',
    'ss',
    'æ',
    'ae',
    'i',
    'İ',
    'e\u0301',
    'é',
    '2025-11-07',
    '2025-11-07T00:00:00.000000Z',
    'a.b',
    '[1]',
  ],
];
const NUMBERS = [
  '0',
  '-0',
  '1',
  '1.0',
  '1e0',
  '10e-1',
  '5',
  '-3',
  '2.5',
  '-2.5',
  '0.1',
  '0.10',
  '12.5',
  '99.99',
  '100',
  '1e2',
  '1e400',
  '-1e400',
  '1e-9',
  '9007199254740993',
  '18446744073709551616',
  '99999999999999999999999',
];
const OPS: readonly Op[] = ['=', '!=', '<', '<=', '>', '>=', '^=', '~='];
const TIMES = [
  '2025',
  '2025-11-07',
  '2025-11-07T00:00:03',
  '2025-11-07T00:00:03.000000Z',
  '2025-11-07T00:00:03.5',
  '2025-11-06T23:59:59.999999Z',
  '2026',
  '1',
  '9',
  'T',
  '',
];

const word = fc
  .oneof(
    { weight: 3, arbitrary: fc.constantFrom('go', 'Go', 'GO', 'go ', 'gó') },
    { weight: 4, arbitrary: fc.constantFrom(...WORDS) },
    fc.string({ unit: 'grapheme', maxLength: 6 }),
  )
  .map(storable);
const json: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.oneof(word, fc.constantFrom<Json>(null, true, false, 0, 1, 1.5, -2, 100)),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'developer', 'a.b', 'ñ', 'a"b', ''), tie('value'), { maxKeys: 3 }),
  ),
})).value;

const row: fc.Arbitrary<TruthRow> = fc.record({
  word: nullable(word),
  whole: nullable(fc.oneof(fc.bigInt(-5n, 120n), fc.constantFrom(2n ** 53n - 1n, -(2n ** 53n) + 1n))),
  amount: nullable(fc.integer({ min: -300, max: 10_100 }).map((cents) => (cents / 100).toFixed(2))),
  ratio: nullable(fc.constantFrom(0, 0.1, 0.30000000000000004, 1, -2.5, 5, 1e21, 1e-9, 12.5)),
  flag: nullable(fc.boolean()),
  facts: nullable(json.map((value) => JSON.stringify(value))),
  seen: nullable(fc.integer({ min: -2, max: 8 }).map((half) => EPOCH + (half * SECOND) / 2)),
  bytes: nullable(fc.uint8Array({ maxLength: 4 })),
  at: fc.integer({ min: 0, max: 6 }).map((second) => EPOCH + second * SECOND),
});

const anything = fc.oneof(
  word,
  fc.constantFrom(...NUMBERS, ...TIMES, 'AA==', 'AQI='),
  fc.constantFrom<Json>(1, 12.5, true, false, null, '\ud83d', 'go\ud83d'),
);
const LIKE_GO = ['go', 'Go', 'GO', 'go ', ' go', 'gó', 'g', 'G', 'null', 'n'];
/** What is likely to hold for some of the rows. */
const FITTING: Readonly<Record<string, readonly Json[]>> = {
  word: LIKE_GO,
  whole: [...NUMBERS, 2, 3, 50],
  amount: [...NUMBERS, '50', '50.00', '12.345'],
  ratio: [...NUMBERS, 0.30000000000000004, '1e21'],
  flag: [true, false, 'true', 'false', 'null', 1, 't', 'e', 'u'],
  facts: ['go', 'Go', 1, 1.5, 100, true, null, '0'],
  seen: TIMES,
  bytes: ['', 'AA==', 'AQI=', 'AA', '!'],
  at: TIMES,
  id: NUMBERS,
};
const own = fc.constantFrom(...Object.keys(FITTING));
const inFacts = fc.constantFrom('facts.a', 'facts.b', 'facts.developer', 'facts.a.b', 'facts.a.a', 'facts.ñ', 'facts.a"b', 'facts.');
const absent = fc.constantFrom('nothing', 'word.a', 'nothing.a', 'Word');
const placed = fc
  .oneof({ weight: 8, arbitrary: own }, { weight: 3, arbitrary: inFacts }, { weight: 1, arbitrary: absent })
  .chain((field) => fc.tuple(fc.constant(field), valueFor(field)));
const condition: fc.Arbitrary<Condition> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(placed, fc.constantFrom<Op>('=', '=', '!=')).map(([[field, value], op]) => ({ field, op, value })) },
  { weight: 8, arbitrary: fc.tuple(placed, fc.constantFrom(...OPS)).map(([[field, value], op]) => ({ field, op, value })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.array(placed, { maxLength: 3 }), own, fc.constantFrom<Op>('=', '!='))
      .map(([list, field, op]) => ({ field: list[0]?.[0] ?? field, op, value: list.map(([, value]) => value) })),
  },
  { weight: 1, arbitrary: fc.tuple(placed).map(([[field]]) => ({ field, op: 'exists' as const })) },
  { weight: 1, arbitrary: fc.record({ search: fc.constantFrom('go', '1', '😀') }) },
);

function valueFor(field: string): fc.Arbitrary<Json> {
  const fitting = FITTING[field.split('.')[0] as string] ?? LIKE_GO;
  return fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...fitting) }, { weight: 2, arbitrary: anything });
}

/** What is true of a table as a source, whatever its database. */
export function tableTruths({ describe, it }: Runner, open: () => Promise<TruthPlace>): void {
  const test = (name: string, body: (place: TruthPlace) => Promise<void>) =>
    it(name, async () => {
      const place = await open();
      try {
        await body(place);
      } finally {
        await place.close();
      }
    });

  describe('a table as a source', () => {
    test('tells what is stored', async (place) => {
      await fc.assert(
        fc.asyncProperty(fc.array(row, { maxLength: 20 }), async (rows) => {
          await place.fill(rows);
          const bodies = (await all(place.source, { ...everything, order: 'oldest' })).map(bodyOf);
          const told = bodies.map(({ id, ...rest }) => JSON.stringify(rest)).sort();
          expect(told).toEqual(rows.map((one) => JSON.stringify(toldAs(one))).sort());
        }),
        { numRuns: isLong ? 200 : 15 },
      );
    });

    test('finds what a condition means, no more and no less than it promises', async (place) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(row, { minLength: 1, maxLength: 40 }),
          fc.array(condition, { minLength: 60, maxLength: 60 }),
          async (rows, conditions) => {
            await place.fill(rows);
            const drafts = await all(place.source, everything);
            for (const one of conditions) await holdsPromise(place.source, drafts, [one]);
            for (let at = 0; at + 1 < conditions.length; at += 5) await holdsPromise(place.source, drafts, conditions.slice(at, at + 2));
          },
        ),
        { numRuns: isLong ? 300 : 12 },
      );
    });

    test('pages as sorting would, from any place and of any size', async (place) => {
      const moment = fc.integer({ min: -1, max: 14 }).map((half) => EPOCH + (half * SECOND) / 2);
      const id = fc.oneof(
        fc.bigInt(-1n, 60n).map((key) => `truths.${key.toString().padStart(20, '0')}`),
        fc.constantFrom('a', 'zzz', 'truths.', 'truths.x', 'truths.0'),
      );
      const query = fc.record({
        from: moment,
        to: moment,
        order: fc.constantFrom<Query['order']>('newest', 'oldest'),
        after: fc.option(fc.record({ time: moment, id }), { nil: undefined }),
        limit: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(row, { maxLength: 50 }), fc.array(query, { minLength: 10, maxLength: 10 }), async (rows, queries) => {
          await place.fill(rows);
          const known = await all(place.source, everything);
          for (const { after, limit, ...rest } of queries) {
            const asked: Query = { ...rest, where: [], ...(after && { after }), ...(limit !== undefined && { limit }) };
            expect((await all(place.source, asked)).map(({ id }) => id)).toEqual(sorted(known, asked).map(({ id }) => id));
          }
        }),
        { numRuns: isLong ? 200 : 15 },
      );
    });

    test('pages through many rows without a limit', async (place) => {
      const rows = Array.from(
        { length: 5300 },
        (_, n): TruthRow => ({ ...BLANK, whole: BigInt(n), at: EPOCH + Math.floor(n / 700) * SECOND }),
      );
      await place.fill(rows);
      for (const order of ['newest', 'oldest'] as const) {
        const drafts = await all(place.source, { ...everything, order });
        expect(drafts.map(({ id }) => id)).toEqual(sorted(drafts, { ...everything, order }).map(({ id }) => id));
        expect(new Set(drafts.map(({ id }) => id)).size).toBe(rows.length);
      }
    });

    test('keeps every digit', async (place) => {
      await place.fill([
        { ...BLANK, whole: 9007199254740993n },
        { ...BLANK, whole: -9223372036854775807n },
        { ...BLANK, amount: '12.50' },
      ]);
      const drafts = await all(place.source, { ...everything, order: 'oldest' });
      expect(drafts[0]?.json).toContain('"whole":9007199254740993,');
      expect(drafts[1]?.json).toContain('"whole":-9223372036854775807,');
      expect(drafts[2]?.json).toContain('"amount":12.50,');
      const found = await all(place.source, { ...everything, where: [{ field: 'whole', op: '=', value: '9007199254740993' }] });
      expect(found.map(({ id }) => id)).toEqual([drafts[0]?.id]);
      expect(await all(place.source, { ...everything, where: [{ field: 'whole', op: '=', value: '9007199254740992' }] })).toEqual([]);
    });
  });
}

const BLANK: TruthRow = { word: null, whole: null, amount: null, ratio: null, flag: null, facts: null, seen: null, bytes: null, at: EPOCH };

/** Compares what the source finds with what the definition of conditions says about all rows. */
async function holdsPromise(source: Source, drafts: readonly Draft[], where: readonly Condition[]): Promise<void> {
  const query: Query = { ...everything, where };
  const plan = await source.query?.plan?.(query);
  const found = new Set((await all(source, query)).map(({ id }) => id));
  const holds = compile(where);
  const wanted = drafts.filter((draft) => holds(bodyOf(draft)));
  const told = JSON.stringify(where);
  for (const draft of wanted) expect(found.has(draft.id), `${told} finds ${draft.json}`).toBe(true);
  if (plan?.where.every((support) => support === 'exact')) {
    const surplus = drafts.filter(({ id }) => found.has(id) && !wanted.some((one) => one.id === id));
    expect(
      surplus.map(({ json }) => json),
      `${told} finds no more than it means`,
    ).toEqual([]);
  }
}

async function all(source: Source, query: Query): Promise<Draft[]> {
  const drafts: Draft[] = [];
  for await (const batch of source.query?.run(query, runOf(new AbortController().signal)) ?? []) drafts.push(...batch);
  return drafts;
}

function sorted(drafts: readonly Draft[], query: Query): Draft[] {
  const sign = query.order === 'newest' ? -1 : 1;
  const { after } = query;
  return drafts
    .filter(({ time }) => time >= query.from && time < query.to)
    .filter((draft) => !after || sign * compare(draft, after) > 0)
    .sort((a, b) => sign * compare(a, b))
    .slice(0, query.limit);
}

function bodyOf({ json }: Draft): JsonObject {
  return JSON.parse(json) as JsonObject;
}

function toldAs(row: TruthRow): JsonObject {
  const time = (micros: number) => new Date(micros / 1000).toISOString().replace('Z', '000Z');
  return {
    word: row.word,
    whole: row.whole === null ? null : Number(row.whole),
    amount: row.amount === null ? null : Number(row.amount),
    ratio: row.ratio,
    flag: row.flag,
    facts: row.facts === null ? null : (JSON.parse(row.facts) as Json),
    seen: row.seen === null ? null : time(row.seen),
    bytes: row.bytes === null ? null : Buffer.from(row.bytes).toString('base64'),
    at: time(row.at),
  };
}

function nullable<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return fc.option(arbitrary, { nil: null, freq: 6 });
}

/** Half a character cannot be stored. */
function storable(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '�');
}
