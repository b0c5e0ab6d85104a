import { nearest } from '../../core/contract/index.ts';
import {
  type Column,
  columnCalled,
  type Mapping,
  MappingError,
  mappedTable,
  type SqlRow,
  type SqlValue,
  type Table,
} from '../../core/table/index.ts';
import { COLUMN_FACTS, type Described, describeColumn, isPrimary } from './columns.ts';

export type Reader = (text: string, ...values: SqlValue[]) => readonly SqlRow[];

/** The first column of each index, whether it is unique, and of how many columns. */
const INDEX_FACTS = `SELECT min(CASE WHEN i.seqno = 0 THEN i.name END), l."unique", count(*)
  FROM pragma_index_list(?) AS l, pragma_index_info(l.name) AS i WHERE l.partial = 0 GROUP BY l.name, l."unique"`;

/** Looks at the table; `undefined` when there is none. Throws a {@link MappingError} when it does not fit the configuration. */
export function inspect(read: Reader, mapping: Mapping): Table | undefined {
  const [found] = read(
    `SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main' AND lower(name) = lower(?)`,
    mapping.table,
  );
  if (!found) return undefined;
  const [name, type, withoutRowids, strict] = [String(found[0]), found[1], Number(found[2]) === 1, Number(found[3]) === 1];
  const facts = read(`SELECT ${COLUMN_FACTS} FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid`, name);
  const primary = facts.filter((row) => isPrimary(row));
  const rowids = type === 'table' && !withoutRowids && primary.length === 1;
  const described = facts.map((row) => describeColumn(row, rowids));
  const fields = mapping.columns ?? Object.fromEntries(described.map(({ column }) => [column, column]));
  const mapped = Object.entries(fields).map(([field, column]) => named(mapping, described, `columns.${field}`, column, field));
  const id = named(mapping, described, 'id_column', mapping.id_column);
  const at = named(mapping, described, 'time_column', mapping.time_column);
  checkTime(at, name);

  const indexes = read(INDEX_FACTS, name).map(([column, unique, size]) => ({ column, isKey: Number(unique) === 1 && Number(size) === 1 }));
  const isOnlyPrimary = id.primary > 0 && primary.length === 1;
  if (type !== 'view' && !isOnlyPrimary && !indexes.some(({ column, isKey }) => isKey && column === id.column)) {
    throw new MappingError(
      `id_column ${id.column} of ${name} is not unique; name the PRIMARY KEY or a column with a UNIQUE index of its own`,
    );
  }
  // Other columns of whole numbers may hold anything, and then have no order that a follower could rely on.
  const isRowid = rowids && isOnlyPrimary && id.type === 'INTEGER';
  const kind = id.kind === 'integer' && !isRowid && !strict ? 'real' : id.kind;
  const indexed = new Set([...indexes.map(({ column }) => String(column)), ...(isRowid ? [id.column] : [])]);
  return mappedTable(name, mapped, { key: { ...id, kind }, time: { ...at, kind: 'time' }, indexed });
}

type Named = Described & Column;

function checkTime({ column, type, kind }: Named, table: string): void {
  if (kind === 'integer' || (kind === 'real' && /REAL|FLOA|DOUB/.test(type)) || kind === 'boolean' || kind === 'json') {
    throw new MappingError(
      `time_column ${column} of ${table} is of type ${type}; it must be DATETIME or TEXT, with times such as 2025-11-07 02:00:00.000000`,
    );
  }
}

function named(mapping: Mapping, described: readonly Described[], option: string, wanted: string, field = wanted): Named {
  const found = columnCalled(described, wanted);
  if (found) return { ...found, field };
  const names = described.map(({ column }) => column);
  const meant = nearest(wanted, names);
  throw new MappingError(
    `${option}: ${mapping.table} has no column ${wanted}${meant === undefined ? '' : `; did you mean ${meant}?`} It has ${names.join(', ')}`,
  );
}
