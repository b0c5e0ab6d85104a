import { groupValue, type Json, MOST_GROUPS, measureName, type StatsFacet, type StatsQuery, type StatsRow } from '../contract/index.ts';
import { conditionSql } from './condition-sql.ts';
import type { Dialect, Sql, SqlRow } from './database.ts';
import type { TableSource } from './source.ts';
import { allOf, list, sql } from './sql.ts';
import { type GroupField, groupField, type MeasuredField, measuredField } from './stats-columns.ts';
import { type Aggregate, aggregateOf, ranked } from './stats-measures.ts';
import type { Table } from './table.ts';

type TableStats = Pick<TableSource, 'database' | 'table'>;

/**
 * Counts and measures in the database, by one statement. What SQL takes otherwise than the core, such as conditions in JSON, is
 * not planned.
 */
export function tableStats({ database, table }: TableStats): StatsFacet {
  return {
    plan: (query) => partsOf(database.dialect, table(), query) !== undefined,
    async *run(query, run) {
      const { dialect } = database;
      const known = table();
      const parts = partsOf(dialect, known, query);
      if (!parts) throw new Error('this query was not planned');
      const rows = await database.read(statementOf(dialect, known, query, parts), run.signal);
      yield rows.map((row) => readRow(row, query, parts)).filter(({ count }) => count > 0);
    },
  };
}

/** What a query is made of, in SQL. */
interface Parts {
  readonly where: readonly Sql[];
  readonly groups: readonly GroupField[];
  readonly fields: readonly MeasuredField[];
  readonly aggregates: readonly Aggregate[];
}

function partsOf(dialect: Dialect, table: Table, query: StatsQuery): Parts | undefined {
  const where = whole(query.where.map((condition) => conditionSql(dialect, table, condition)));
  const groups = whole(query.by.map((field) => groupField(dialect, table, field)));
  const fields = whole([...new Set(query.measures.map(({ field }) => field))].map((field) => measuredField(dialect, table, field)));
  if (!where?.every(({ support }) => support === 'exact') || !groups || !fields) return undefined;
  const aggregates = query.measures.map((measure) => {
    const place = fields.findIndex(({ field }) => field === measure.field);
    return aggregateOf(dialect, measure, fields[place] as MeasuredField, place);
  });
  return { where: where.map((pushed) => pushed.sql), groups, fields, aggregates };
}

function whole<T>(parts: readonly (T | undefined)[]): readonly T[] | undefined {
  return parts.every((part) => part !== undefined) ? (parts as readonly T[]) : undefined;
}

/** The places of a row: the time of the bucket, what the groups are by, the count, what was measured. */
function statementOf(dialect: Dialect, table: Table, query: StatsQuery, parts: Parts): Sql {
  const { groups, aggregates } = parts;
  const keys = [
    ...(query.bucket === undefined ? [] : ['t']),
    ...groups.flatMap(({ expressions }, at) => expressions.map((_, part) => `g${at}_${part}`)),
  ];
  const { digest } = dialect;
  const long = new Set(groups.flatMap(({ long }, at) => (long === undefined ? [] : [`g${at}_${long}`])));
  const partition = keys.map((key) => (digest && long.has(key) ? digest(key) : key));
  const selected = list([...keys.map((key) => sql(key)), sql('COUNT(*)'), ...aggregates.flatMap(({ columns }) => columns)]);
  const rows = ranked(rowsOf(dialect, table, query, parts), partition, aggregates);
  const by = keys.length > 0 ? ` GROUP BY ${keys.join(', ')}` : '';
  return {
    text: `SELECT ${selected.text} FROM (${rows.text}) AS r${by} LIMIT ${MOST_GROUPS + 1}`,
    values: [...selected.values, ...rows.values],
  };
}

/** The rows that are meant, with what they are grouped and measured by, under short names. */
function rowsOf(dialect: Dialect, table: Table, { from, to, bucket }: StatsQuery, { where, groups, fields }: Parts): Sql {
  const time = dialect.quote(table.time.column);
  const micros = dialect.micros(time);
  const columns = list([
    ...(bucket === undefined ? [] : [sql(`${micros} - ((${micros} % ?) + ?) % ? AS t`, bucket, bucket, bucket)]),
    ...groups.flatMap(({ expressions }, at) => expressions.map((expression, part) => named(expression, `g${at}_${part}`))),
    ...fields.flatMap(({ expression }, at) => (expression ? [named(expression, `m${at}`)] : [])),
  ]);
  // A row with no time, or what is none in its place, is no entry.
  const range = [sql(`${time} >= ?`, dialect.timeValue(from)), sql(`${time} < ?`, dialect.timeValue(to)), sql(`${micros} IS NOT NULL`)];
  const wanted = allOf([...range, ...where]);
  return {
    text: `SELECT ${columns.text || '1 AS one'} FROM ${dialect.quote(table.name)} WHERE ${wanted.text}`,
    values: [...columns.values, ...wanted.values],
  };
}

function named({ text, values }: Sql, name: string): Sql {
  return { text: `${text} AS ${name}`, values };
}

function readRow(row: SqlRow, { bucket, by, measures }: StatsQuery, { groups, aggregates }: Parts): StatsRow {
  const left = [...row];
  const take = (count: number) => left.splice(0, count);
  const [time] = bucket === undefined ? [] : take(1);
  const group = groups.map(({ expressions, tell }, index) => [by[index], groupValue(JSON.parse(tell(take(expressions.length))) as Json)]);
  const [count] = take(1);
  const values = aggregates.map(({ columns, value }, index) => [
    measureName(measures[index] as (typeof measures)[number]),
    value(take(columns.length)),
  ]);
  return {
    ...(time !== undefined && { time: Number(time) }),
    group: Object.fromEntries(group),
    count: Number(count),
    values: Object.fromEntries(values),
  };
}
