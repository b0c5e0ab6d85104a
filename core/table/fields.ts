import type { FieldSummary, JsonObject, Run } from '../contract/index.ts';
import type { Dialect, SqlValue } from './database.ts';
import type { TableSource } from './source.ts';
import { list, sql } from './sql.ts';
import type { Column, ColumnKind } from './table.ts';

/** Rows that are looked at, the newest. */
const SAMPLE = 10_000;
/** A field of more values than this has no commonest ones worth telling. */
const FEW_VALUES = 50;
const TOP = 5;

const KINDS: Readonly<Record<Exclude<ColumnKind, 'json'>, string>> = {
  integer: 'number',
  decimal: 'number',
  real: 'number',
  boolean: 'boolean',
  text: 'string',
  time: 'string',
  binary: 'string',
};
/** Of what databases call the types of JSON, those that are not numbers. */
const JSON_KINDS: Readonly<Record<string, string>> = {
  OBJECT: 'object',
  ARRAY: 'array',
  STRING: 'string',
  TEXT: 'string',
  BOOLEAN: 'boolean',
  TRUE: 'boolean',
  FALSE: 'boolean',
  NULL: 'null',
};

type TableFields = Pick<TableSource, 'database' | 'table'>;

/** The columns of a table, and what is in the newest 10,000 rows of them. */
export function tableFields({ database, table }: TableFields): (run: Run) => Promise<FieldSummary[]> {
  return async ({ signal }) => {
    const { dialect } = database;
    const known = table();
    const time = dialect.quote(known.time.column);
    const names = list(known.columns.map(({ column }) => sql(dialect.quote(column))));
    const newest = `(SELECT ${names.text} FROM ${dialect.quote(known.name)} WHERE ${time} IS NOT NULL ORDER BY ${time} DESC LIMIT ${SAMPLE}) AS newest`;

    const counts = known.columns.flatMap((column) => [
      `COUNT(${dialect.quote(column.column)})`,
      `COUNT(DISTINCT ${comparable(dialect, column)})`,
    ]);
    const [row = []] = await database.read(sql(`SELECT COUNT(*), ${counts.join(', ')} FROM ${newest}`), signal);
    const [size = 0, ...counted] = row.map(Number);

    const valuesOf = async (expression: string, most: number, ...values: readonly SqlValue[]) => {
      const text = `SELECT v, COUNT(*) AS n FROM (SELECT ${expression} AS v FROM ${newest}) AS c WHERE v IS NOT NULL GROUP BY v ORDER BY n DESC, v LIMIT ${most}`;
      return database.read(sql(text, ...values), signal);
    };
    const summaries: FieldSummary[] = [];
    for (const [place, column] of known.columns.entries()) {
      const [present = 0, distinct = 0] = counted.slice(2 * place, 2 * place + 2);
      const nulls = present < size ? ['null'] : [];
      if (column.kind === 'json') {
        const types = await valuesOf(dialect.jsonType(dialect.quote(column.column)), FEW_VALUES, '$');
        summaries.push({ name: column.field, kinds: sorted([...types.map(([type]) => JSON_KINDS[String(type)] ?? 'number'), ...nulls]) });
        continue;
      }
      const few = column.kind === 'text' && distinct > 0 && distinct <= FEW_VALUES;
      const top = few ? await valuesOf(dialect.exact(dialect.quote(column.column)), TOP) : [];
      summaries.push({
        name: column.field,
        kinds: sorted([...(present > 0 || size === 0 ? kindsOf(column.kind, column.loose) : []), ...nulls]),
        distinct,
        ...(few && { top: Object.fromEntries(top.map(([value, count]) => [String(value), Number(count)])) as JsonObject }),
      });
    }
    return summaries;
  };
}

function kindsOf(kind: keyof typeof KINDS, loose = false): readonly string[] {
  return loose && kind !== 'time' ? ['number', 'string'] : [KINDS[kind] as string];
}

function comparable(dialect: Dialect, { column, kind }: Column): string {
  const name = dialect.quote(column);
  return kind === 'text' || kind === 'json' ? dialect.exact(name) : name;
}

function sorted(kinds: readonly string[]): string[] {
  return [...new Set(kinds)].sort();
}
