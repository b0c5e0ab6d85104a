import type { Condition, FieldCondition, Json, Support } from '../contract/index.ts';
import type { Dialect, Sql } from './database.ts';
import { isJsonNumber } from './json-number.ts';
import { jsonTest } from './json-sql.ts';
import { ALWAYS, allOf, anyOf, NEVER, negated, sql } from './sql.ts';
import type { Column, Table } from './table.ts';
import { textTest } from './text-sql.ts';
import { timeTest } from './time-sql.ts';
import { binaryTest, booleanTest, decimalTest, integerTest, realTest } from './value-sql.ts';

/** What of a condition SQL does. */
export interface Pushed {
  readonly sql: Sql;
  readonly support: Exclude<Support, 'unsupported'>;
}

/** An operator that compares with a text. `!=` is the opposite of `=`, and `exists` needs no text. */
export type Comparison = '=' | '<' | '<=' | '>' | '>=' | '^=' | '~=';

/** A test of a column that is not NULL. Several texts come with `=` only, and mean any of them. */
export interface ColumnTest {
  /** Quoted, for SQL. */
  readonly name: string;
  readonly op: Comparison;
  readonly texts: readonly string[];
  readonly dialect: Dialect;
  /** See {@link Column.placeholder}. */
  readonly placeholder?: string | undefined;
}

/** `undefined`: cannot be told in SQL. */
type Tested = (test: ColumnTest) => Sql | undefined;

const TESTS: Readonly<Record<Exclude<Column['kind'], 'json'>, Tested>> = {
  integer: integerTest,
  decimal: decimalTest,
  real: realTest,
  boolean: booleanTest,
  text: textTest,
  time: timeTest,
  binary: binaryTest,
};

/**
 * A condition as SQL, by the meaning that `core/query/conditions.ts` gives it; `undefined` when SQL cannot tell. Numbers are
 * compared with all their digits, where the core compares doubles.
 */
export function conditionSql(dialect: Dialect, table: Table, condition: Condition): Pushed | undefined {
  if ('search' in condition) return undefined;
  const { field, op } = condition;
  if (dialect.endsAtNul && JSON.stringify(condition).includes('\\u0000')) return undefined;
  const own = table.columns.find((column) => column.field === field);
  if (own) return ofColumn(dialect, table, own, condition);
  const [first, ...path] = field.split('.');
  const outer = path.length > 0 ? table.columns.find((column) => column.field === first) : undefined;
  if (outer?.kind === 'json') return ofPath(dialect, outer, path, condition);
  return { sql: op === '!=' ? ALWAYS : NEVER, support: 'exact' };
}

function ofColumn(dialect: Dialect, table: Table, column: Column, condition: FieldCondition): Pushed | undefined {
  const name = dialect.quote(column.column);
  const isJson = column.kind === 'json';
  // JSON's own null is in no column of another kind.
  if (condition.op === 'exists') return { sql: sql(`${name} IS NOT NULL`), support: isJson ? 'inexact' : 'exact' };
  // What is no time, such as 0000-00-00, is told as it is; in the time column such rows are left out.
  if (column.opaque || (column.kind === 'time' && column.column !== table.time.column)) return undefined;
  const op = condition.op === '!=' ? '=' : condition.op;
  const texts = textsOf(condition);
  if (!texts) return undefined;
  if (isJson) {
    if (condition.op === '!=') return undefined;
    const found = jsonTest({ name, op, texts, dialect }, []);
    return { sql: nullFits(op, texts) ? anyOf([found, sql(`${name} IS NULL`)]) : found, support: 'inexact' };
  }
  const found = ofValues(column.kind as keyof typeof TESTS, { name, op, texts, dialect, placeholder: column.placeholder });
  if (!found) return undefined;
  const fits = nullFits(op, texts) ? anyOf([found, sql(`${name} IS NULL`)]) : found;
  return { sql: condition.op === '!=' ? negated(fits) : fits, support: 'exact' };
}

/** Where a column may hold a text whatever its type (SQLite), that text is compared as a text. */
function ofValues(kind: keyof typeof TESTS, test: ColumnTest): Sql | undefined {
  const { name, op, texts, dialect } = test;
  // A column of whole numbers may hold others as well.
  const found = (kind === 'integer' && dialect.holds ? decimalTest : TESTS[kind])(test);
  if (!found || !dialect.holds || kind === 'text' || kind === 'time') return found;
  if (kind === 'binary') return undefined;
  // Such a column turns every numeric text into a number when it is stored.
  const words = op === '^=' || op === '~=' ? texts : texts.filter((text) => !isJsonNumber(text));
  const asText = words.length > 0 ? textTest({ ...test, name: `CAST(${name} AS TEXT)`, texts: words }) : NEVER;
  return asText && anyOf([allOf([found, sql(dialect.holds(name, 'number'))]), allOf([sql(dialect.holds(name, 'text')), asText])]);
}

function ofPath(dialect: Dialect, column: Column, path: readonly string[], condition: FieldCondition): Pushed | undefined {
  const { op } = condition;
  if (op === '!=') return undefined;
  const name = dialect.quote(column.column);
  if (op === 'exists') return { sql: jsonTest({ name, op: '=', texts: [], dialect }, path), support: 'inexact' };
  const texts = textsOf(condition);
  return texts && { sql: jsonTest({ name, op, texts, dialect }, path), support: 'inexact' };
}

/** NULL is told as `null`, and compared as that word. */
function nullFits(op: Comparison, texts: readonly string[]): boolean {
  if (op === '=') return texts.includes('null');
  const [text = ''] = texts;
  return op === '^=' ? 'null'.startsWith(text) : op === '~=' && 'null'.includes(text);
}

/** `undefined` for a value that no comparison takes; the core refuses it. */
function textsOf({ op, value }: FieldCondition): readonly string[] | undefined {
  const list = Array.isArray(value) && (op === '=' || op === '!=') ? (value as readonly Json[]) : [value];
  const texts = list.map((one) => (typeof one === 'object' && one !== null ? undefined : one === undefined ? undefined : String(one)));
  return texts.every((text) => text !== undefined) ? texts : undefined;
}
