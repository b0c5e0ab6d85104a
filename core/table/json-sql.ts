import type { ColumnTest } from './condition-sql.ts';
import type { Sql } from './database.ts';
import { isJsonNumber } from './json-number.ts';
import { allOf, anyOf, sql } from './sql.ts';

/** A number may be written in several ways, so what is asked of its text cannot be found in the stored one. */
const PART_OF_NUMBER = /^[-+.0-9eInfity]*$/;

/**
 * Rows among which are all whose JSON holds such a value at the path: the stored text has to contain the path's keys and the value.
 * That asks no more of the text than to be text, so that arrays, repeated keys and what is no JSON at all are left to the
 * core, which looks into it. No texts: the keys alone.
 */
export function jsonTest({ name, op, texts, dialect }: ColumnTest, path: readonly string[]): Sql {
  const stored = dialect.exact(name);
  const containing = (part: string) => sql(`INSTR(${stored}, ${dialect.exactValue}) > 0`, part);
  const parts = path.filter((key) => key !== '').map(containing);
  if (showsValue(op, texts)) parts.push(anyOf(texts.map(containing)));
  if (parts.length === 0) return sql(`${name} IS NOT NULL`);
  // Behind a backslash a character may be written as another.
  return anyOf([allOf(parts), containing('\\')]);
}

function showsValue(op: ColumnTest['op'], texts: readonly string[]): boolean {
  if (texts.length === 0 || texts.includes('')) return false;
  if (op === '=') return !texts.some(isJsonNumber);
  return (op === '^=' || op === '~=') && !PART_OF_NUMBER.test(texts[0] ?? '');
}
