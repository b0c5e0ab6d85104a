import fc from 'fast-check';
import type { Condition, Json, Op, Query } from '../../../core/contract/index.ts';

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

export const everything: Query = { from: 0, to: Number.MAX_SAFE_INTEGER, order: 'newest', where: [] };
export const SECOND = 1_000_000;
export const EPOCH = Date.UTC(2025, 10, 7) * 1000;
export const isLong = process.env['CAUCE_TEST_LONG'] === '1';

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

export const word = fc
  .oneof(
    { weight: 3, arbitrary: fc.constantFrom('go', 'Go', 'GO', 'go ', 'gó') },
    { weight: 4, arbitrary: fc.constantFrom(...WORDS) },
    fc.string({ unit: 'grapheme', maxLength: 6 }),
  )
  .map(storable);
export const json: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.oneof(word, fc.constantFrom<Json>(null, true, false, 0, 1, 1.5, -2, 100)),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'developer', 'a.b', 'ñ', 'a"b', ''), tie('value'), { maxKeys: 3 }),
  ),
})).value;

export const row: fc.Arbitrary<TruthRow> = fc.record({
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
export const condition: fc.Arbitrary<Condition> = fc.oneof(
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

function nullable<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return fc.option(arbitrary, { nil: null, freq: 6 });
}

/** Half a character cannot be stored. */
function storable(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '�');
}
