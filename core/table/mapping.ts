import { RetryableError } from '../contract/index.ts';
import type { Column, Table } from './table.ts';

/** What a configuration says about its table. */
export interface Mapping {
  readonly table: string;
  readonly id_column: string;
  readonly time_column: string;
  /** Field → column; absent: every column by its own name. */
  readonly columns?: Readonly<Record<string, string>> | undefined;
}

/** `ERR_MAPPING`: the configuration names what the table does not have. Either of the two may be mended. */
export class MappingError extends RetryableError {
  constructor(message: string) {
    super(message, { code: 'ERR_MAPPING' });
  }
}

/** Of a table of DORA rows; those of them that a table has say, with its time, which observation a row is. */
const IDENTITY = ['cycle_id', 'feature_id', 'phase_name'];

/** The column of that name as it is spelt, else in whatever case. */
export function columnCalled<C extends { readonly column: string }>(columns: readonly C[], name: string): C | undefined {
  return columns.find(({ column }) => column === name) ?? columns.find(({ column }) => column.toLowerCase() === name.toLowerCase());
}

/** The columns of the configuration, with the key in front and the time behind them where they are not among them. */
export function mappedTable(
  name: string,
  mapped: readonly Column[],
  { key, time, indexed }: Pick<Table, 'key' | 'time' | 'indexed'>,
): Table {
  const own = mapped.map((column) => {
    if (column.column === key.column) return { ...key, field: column.field };
    return column.column === time.column ? { ...time, field: column.field } : column;
  });
  const columnOf = ({ column }: Column) => own.find((one) => one.column === column);
  const all = [...(columnOf(key) ? [] : [key]), ...own, ...(columnOf(time) ? [] : [time])];
  const twice = all.find(({ field }, index) => all.findIndex((other) => other.field === field) !== index);
  if (twice) throw new MappingError(`two columns of ${name} are called ${twice.field}; give one of them another name under columns`);
  return {
    name,
    columns: all,
    key: columnOf(key) ?? key,
    time: columnOf(time) ?? time,
    indexed,
    identity: all.filter(({ field }) => IDENTITY.includes(field)),
  };
}
