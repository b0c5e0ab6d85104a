import type { Dialect } from '../../core/table/index.ts';
import { offsetMicros, readStoredTime, storedTime } from './times.ts';

/** MySQL and MariaDB take the same SQL but for the names of their collations. */
export type Flavour = 'MySQL' | 'MariaDB';

/** Collations by code point that do not pad with blanks; `utf8mb4_bin` would take `a` and `a ` for the same. */
const BYTEWISE = { MySQL: 'utf8mb4_0900_bin', MariaDB: 'utf8mb4_nopad_bin' } as const;

/**
 * `zone` is the offset in which the columns were written. The sessions have it as their time zone, so that a TIMESTAMP comes
 * and is compared in the same offset as a DATETIME.
 */
export function mysqlDialect(flavour: Flavour, zone: string): Dialect {
  const offset = offsetMicros(zone);
  const exact = (text: string) => `CONVERT(${text} USING utf8mb4) COLLATE ${BYTEWISE[flavour]}`;
  const micros = (column: string) => `TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00.000000', ${column})`;
  return {
    rangeMissesIndex: true,
    quote,
    timeValue: (time) => storedTime(time, offset),
    timeText: (column) => `CAST(${column} AS CHAR)`,
    readTime: (value) => (typeof value === 'string' ? readStoredTime(value, offset) : undefined),
    exact,
    exactValue: exact('?'),
    micros: (column) => (offset === 0 ? micros(column) : `(${micros(column)} - ${offset})`),
    jsonText: (column) => `JSON_UNQUOTE(JSON_EXTRACT(${column}, ?))`,
    jsonType: (column) => `JSON_TYPE(JSON_EXTRACT(${column}, ?))`,
    real: (expression) => `(${expression} + 0e0)`,
    // Sorting looks at max_sort_length bytes, which are 1024 unless somebody has changed that.
    digest: (text) => `SHA2(${text}, 256)`,
    sum: (expression) => `SUM(${expression})`,
  };
}

/** Quotes a name for whatever `sql_mode`; inside, only the backtick means something. */
export function quote(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}
