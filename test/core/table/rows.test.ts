import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assertDraft } from '../../../core/conformance/rules.ts';
import type { Column, ColumnKind, SqlValue, Table } from '../../../core/table/index.ts';
import { rowId, rowReader } from '../../../core/table/rows.ts';
import { leastKeyFrom } from '../../../core/table/seek.ts';
import { sqliteDialect } from '../../../plugins/sqlite-metrics/dialect.ts';

const key64 = fc.bigInt(-(2n ** 63n), 2n ** 64n - 1n);

describe('ids of rows', () => {
  it('are in the order of their keys', () => {
    fc.assert(
      fc.property(key64, key64, (a, b) => {
        expect(rowId('dora', a) < rowId('dora', b)).toBe(a < b);
      }),
    );
  });

  it('are valid for any key, and differ', () => {
    const key = fc.oneof(key64, fc.string({ unit: 'grapheme', minLength: 1 }), fc.constant('x'.repeat(200)), fc.constant('a b'));
    fc.assert(
      fc.property(key, key, (a, b) => {
        const [one, other] = [rowId('dora', a), rowId('dora', b)];
        expect(one).toMatch(/^[\x21-\x7e]{1,96}$/);
        if (typeof a === typeof b) expect(one === other).toBe(a === b);
      }),
    );
  });

  it('tell which keys stand behind an id, also of another source', () => {
    const id = fc.oneof(
      key64.map((key) => rowId('dora', key)),
      fc.constantFrom('a', 'dora', 'dora.', 'dora.5', 'dora.-', 'dora.x', 'z'),
      fc.string({ minLength: 1 }),
    );
    fc.assert(
      fc.property(id, key64, (id, key) => {
        expect(rowId('dora', key) >= id).toBe(key >= leastKeyFrom('dora', id));
      }),
    );
  });
});

describe('rows as entries', () => {
  const dialect = sqliteDialect();
  const column = (field: string, kind: ColumnKind, more: Partial<Column> = {}): Column => ({
    field,
    column: field,
    kind,
    nullable: true,
    defaulted: false,
    ...more,
  });
  const time = column('created_at', 'time');
  const key = column('id', 'integer');

  function told(one: Column, value: SqlValue): string | undefined {
    const table: Table = { name: 't', columns: [one], key, time, indexed: new Set(), identity: [] };
    const reader = rowReader(dialect, table, 'dora');
    const draft = reader.toDraft([value, '2025-11-07 02:00:00.000001', 7]);
    if (draft) assertDraft(draft);
    return draft?.json;
  }

  it.each<[ColumnKind, SqlValue, string]>([
    ['integer', 5, '5'],
    ['integer', 9007199254740993n, '9007199254740993'],
    ['integer', '18446744073709551615', '18446744073709551615'],
    ['integer', 'many', '"many"'],
    ['decimal', '12.50', '12.50'],
    ['decimal', 12.5, '12.50'],
    ['decimal', 12n, '12.00'],
    ['decimal', 0.125, '0.125'],
    ['decimal', '000012.50', '12.50'],
    ['decimal', '', '""'],
    ['real', 1e21, '1e+21'],
    ['real', Number.POSITIVE_INFINITY, '1e999'],
    ['boolean', 1, 'true'],
    ['boolean', 0n, 'false'],
    ['boolean', new Uint8Array([1]), 'true'],
    ['boolean', 'yes', '"yes"'],
    ['text', 'a"\n\u2028', '"a\\"\\n\u2028"'],
    ['json', '{"a": 1.50,\n "a": "\\u00e9"}', '{"a": 1.50,  "a": "\\u00e9"}'],
    ['json', 'no json', '"no json"'],
    ['json', '{"a":\r\n1}', '{"a": 1}'],
    ['time', '2025-11-07 02:00:00.000001', '"2025-11-07T02:00:00.000001Z"'],
    ['time', 'yesterday', '"yesterday"'],
    ['binary', new Uint8Array([1, 2]), '"AQI="'],
    ['text', null, 'null'],
  ])('tell %s %o as %s', (kind, value, expected) => {
    expect(told(column('it', kind, kind === 'decimal' ? { digits: [10, 2] } : {}), value)).toBe(`{"it":${expected}}`);
  });

  it('are none without a time or a key', () => {
    const table: Table = { name: 't', columns: [key, time], key, time, indexed: new Set(), identity: [] };
    const { select, toDraft } = rowReader(dialect, table, 'dora');
    expect(select).toBe('"id", "created_at"');
    expect(toDraft([1, null])).toBeUndefined();
    expect(toDraft([1, '2025-11-07'])).toBeUndefined();
    expect(toDraft([1, '2025-02-30 02:00:00.000000'])).toBeUndefined();
    expect(toDraft([1, '9999-12-31 00:00:00.000000'])).toBeUndefined();
    expect(toDraft([null, '2025-11-07 02:00:00.000000'])).toBeUndefined();
    expect(toDraft([1, '2025-11-07 02:00:00.000000'])).toMatchObject({
      time: Date.UTC(2025, 10, 7, 2) * 1000,
      id: 'dora.00000000000000000001',
    });
  });

  it('need not tell their key and their time', () => {
    expect(told(column('it', 'text'), 'x')).toBe('{"it":"x"}');
  });
});
