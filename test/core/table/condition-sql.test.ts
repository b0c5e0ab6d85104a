import { describe, expect, it } from 'vitest';
import { type Condition, parseCondition } from '../../../core/contract/index.ts';
import { conditionSql } from '../../../core/table/condition-sql.ts';
import type { Column, Table } from '../../../core/table/index.ts';
import { sqliteDialect } from '../../../plugins/sqlite-metrics/dialect.ts';

const column = (field: string, kind: Column['kind']): Column => ({ field, column: `c ${field}`, kind, nullable: true, defaulted: false });
const [id, at] = [column('id', 'integer'), column('created_at', 'time')];
const others = [column('decision', 'text'), column('duration', 'decimal'), column('ratio', 'real'), column('flag', 'boolean')];
const table: Table = {
  name: 't',
  columns: [id, at, ...others, column('metadata', 'json'), column('a.b', 'text'), column('bytes', 'binary')],
  key: id,
  time: at,
  indexed: new Set(),
  identity: [],
};
/** As MySQL has them: a column holds what it declares. */
const strict = { ...sqliteDialect(), holds: undefined } as never;

describe('what of a condition is left to SQL', () => {
  it.each([
    ...['decision=go', 'decision!=go', 'decision^=g', 'decision~=o', 'decision', 'decision<go', 'decision=1', 'decision=null'],
    ...['duration=12.5', 'duration>=12.5', 'duration!=12.5', 'duration=abc', 'duration<abc', 'id=9007199254740993', 'id>1.5', 'id<1e2'],
    ...['ratio<0.1', 'flag=true', 'flag^=t', 'flag>1', 'created_at>=2025-11-07', 'created_at^=2025-11', 'created_at!=x', 'bytes=AA=='],
    ...['nothing=1', 'nothing', 'nothing!=1', 'decision.x=1', 'a.b=x', 'a.c=x'],
  ])('%s: all', (text) => {
    expect(conditionSql(strict, table, parseCondition(text) as Condition)?.support).toBe('exact');
  });

  it.each([
    'metadata.developer=ana',
    'metadata.tests_failed>3',
    'metadata.a.b',
    'metadata',
    'metadata=x',
    'metadata.a^=x',
    'metadata.a~=x',
  ])('%s: rows among which the core looks', (text) => {
    expect(conditionSql(strict, table, parseCondition(text) as Condition)?.support).toBe('inexact');
  });

  it.each([
    'decision>1',
    'decision<\uffff',
    'metadata.a!=x',
    'metadata!=x',
    'duration^=1',
    'id~=1',
    'created_at~=07',
    'bytes^=A',
    'id=1e50',
  ])('%s: nothing', (text) => {
    expect(conditionSql(strict, table, parseCondition(text) as Condition)).toBeUndefined();
  });

  it('is nothing of a search, nor of a value that is none', () => {
    expect(conditionSql(strict, table, { search: 'x' })).toBeUndefined();
    expect(conditionSql(strict, table, { field: 'decision', op: '=' })).toBeUndefined();
    expect(conditionSql(strict, table, { field: 'decision', op: '=', value: { a: 1 } })).toBeUndefined();
    expect(conditionSql(strict, table, { field: 'decision', op: '<', value: ['a'] })).toBeUndefined();
  });

  it('never has a value or a name of the request in its text', () => {
    const evil = `'"\`; DROP TABLE t; --`;
    for (const field of ['decision', 'duration', 'ratio', 'flag', 'created_at', 'bytes', 'metadata', `metadata.${evil}`, evil]) {
      for (const op of ['=', '!=', '<', '>=', '^=', '~='] as const) {
        for (const value of [evil, [evil, evil]])
          expect(conditionSql(strict, table, { field, op, value })?.sql.text ?? '').not.toContain('DROP');
      }
    }
  });
});
