import { interpolate, type Measure, quantileOf } from '../contract/index.ts';
import type { Dialect, Sql, SqlValue } from './database.ts';
import { list, sql } from './sql.ts';
import type { MeasuredField } from './stats-columns.ts';

/** A measure of a group: what is selected for it, and what that comes to. */
export interface Aggregate {
  readonly columns: readonly Sql[];
  value(values: readonly SqlValue[]): number | null;
  /** The column whose rows have to be put in order for it, such as `m0`. */
  readonly ranks?: string;
}

/** The measure of a field that stands in the column `m` and its place; of a field that holds no number, without asking. */
export function aggregateOf(dialect: Dialect, { fn }: Measure, field: MeasuredField, place: number): Aggregate {
  if (field.expression === undefined) return { columns: [], value: () => (fn === 'count' ? 0 : null) };
  const column = `m${place}`;
  const count = sql(`COUNT(${column})`);
  switch (fn) {
    case 'count':
      return { columns: [count], value: ([counted = 0]) => Number(counted) };
    case 'min':
    case 'max':
      return { columns: [sql(`${fn === 'min' ? 'MIN' : 'MAX'}(${column})`)], value: ([extreme = null]) => numberOf(extreme) };
    case 'sum':
    case 'avg': {
      const total = (counted: SqlValue, sum: SqlValue) => (Number(counted) > 0 ? sumOf(sum, field.scale) : null);
      const columns = [count, sql(dialect.sum(column))];
      if (fn === 'sum') return { columns, value: ([counted = 0, sum = null]) => total(counted, sum) };
      return {
        columns,
        value([counted = 0, sum = null]) {
          const whole = total(counted, sum);
          return whole === null ? null : whole / Number(counted);
        },
      };
    }
    default:
      return quantile(fn, column);
  }
}

/**
 * The two numbers between which the quantile lies. NULL comes before all numbers, so of `size` rows with `n` numbers the number of
 * index k is in row k + 1 + size - n; and that of the quantile is the last k for which k ≤ (n - 1) × q.
 */
function quantile(fn: string, column: string): Aggregate {
  const { numerator = 0, denominator = 1 } = quantileOf(fn) ?? {};
  const isAtMost = `(${column}_row + ${column}_n) * ? <= (${column}_n - 1) * ? + (size + 1) * ?`;
  const values = [denominator, numerator, denominator];
  return {
    ranks: column,
    columns: [
      sql(`COUNT(${column})`),
      sql(`MAX(CASE WHEN ${isAtMost} THEN ${column} END)`, ...values),
      sql(`MIN(CASE WHEN NOT (${isAtMost}) THEN ${column} END)`, ...values),
    ],
    value([counted = 0, lower = null, upper = null]) {
      const low = numberOf(lower);
      return low === null ? null : interpolate(fn, Number(counted), low, numberOf(upper) ?? undefined);
    },
  };
}

/** The rows, and with them what quantiles need to know: each row's place in its group, and how many there are. */
export function ranked(rows: Sql, partition: readonly string[], aggregates: readonly Aggregate[]): Sql {
  const columns = new Set(aggregates.flatMap(({ ranks }) => ranks ?? []));
  if (columns.size === 0) return rows;
  const group = partition.length > 0 ? `PARTITION BY ${partition.join(', ')}` : '';
  const ranks = [...columns].flatMap((column) => [
    `ROW_NUMBER() OVER (${group} ORDER BY ${column}) AS ${column}_row`,
    `COUNT(${column}) OVER (${group}) AS ${column}_n`,
  ]);
  const selected = list(['q.*', `COUNT(*) OVER (${group}) AS size`, ...ranks].map((text) => sql(text)));
  return { text: `SELECT ${selected.text} FROM (${rows.text}) AS q`, values: rows.values };
}

function numberOf(value: SqlValue): number | null {
  return value === null ? null : Number(value);
}

/** A database that adds decimals as doubles is off by less than they are apart. */
function sumOf(sum: SqlValue, scale: number | undefined): number {
  const total = Number(sum);
  if (typeof sum !== 'number' || scale === undefined || !(Math.abs(total) < 1e21)) return total;
  const decimal = Number(total.toFixed(Math.min(scale, 100)));
  return Math.abs(decimal - total) <= Math.abs(total) * 1e-13 ? decimal : total;
}
