import { nearest } from '../../core/contract/index.ts';
import {
  columnCalled,
  type Database,
  MappingError,
  mappedTable,
  type SqlRow,
  type Table,
  type Mapping as TableMapping,
} from '../../core/table/index.ts';
import { COLUMN_FACTS, type Described, describeColumn } from './columns.ts';
import { type Index, readIndexes } from './indexes.ts';

/** What the configuration says about the table, and where it is. */
export interface Mapping extends TableMapping {
  readonly database: string;
}

/** A table as it was found. */
export interface Found {
  readonly table: Table;
  readonly schema: string;
  readonly indexes: readonly Index[];
  /** Columns of a type that is not told. */
  readonly untold: readonly string[];
  /** A view has no indexes, and nothing says whether its key is unique. */
  readonly view: boolean;
  /** The engine, when it has no transactions. */
  readonly unsafe?: string;
}

type Reader = Pick<Database, 'read'>;
/** Types that no paging can rely on: they are compared as something else than they are put in order by, or told as. */
const UNORDERED = ['bit', 'enum', 'set', 'year'];

/** Looks at the table; `undefined` when there is none. Rejects with a {@link MappingError} when it does not fit the configuration. */
export async function inspect(reader: Reader, mapping: Mapping, signal: AbortSignal): Promise<Found | undefined> {
  const place = await locate(reader, mapping, signal);
  if (!place) return undefined;
  const { schema, table, view, unsafe } = place;
  const values = [schema, table];
  const facts = await reader.read(
    {
      text: `SELECT ${COLUMN_FACTS} FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION`,
      values,
    },
    signal,
  );
  const checkedJson = await jsonChecks(reader, schema, table, signal);
  const described = facts.map((row) => describeColumn(row, checkedJson));
  const indexes = await readIndexes(reader, schema, table, signal);
  return {
    table: tableOf(mapping, table, described, indexes, view),
    schema,
    indexes,
    untold: described.filter(({ known }) => !known).map(({ column, type }) => `${column} (${type})`),
    view,
    ...(unsafe !== undefined && { unsafe }),
  };
}

/** The names as the server spells them, which differ in case where it does not tell cases apart. */
async function locate(reader: Reader, { database, table }: Mapping, signal: AbortSignal) {
  const rows = await reader.read(
    {
      text: `SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, TABLES.ENGINE, TRANSACTIONS FROM information_schema.TABLES
        LEFT JOIN information_schema.ENGINES ON ENGINES.ENGINE = TABLES.ENGINE WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?`,
      values: [database, table],
    },
    signal,
  );
  const same = rows.find(([, found]) => found === table) ?? (rows.length === 1 ? rows[0] : undefined);
  if (!same) return undefined;
  const unsafe = same[4] === 'NO' ? String(same[3]) : undefined;
  return { schema: String(same[0]), table: String(same[1]), view: String(same[2]).includes('VIEW'), unsafe };
}

/** Why rows cannot be added all together or not at all; `undefined` when they can. */
export function unsafeToWrite({ unsafe, table }: Found): string | undefined {
  if (unsafe === undefined) return undefined;
  return `rows cannot be added to ${table.name}: its engine ${unsafe} has no transactions, so that a refused request would leave some of its rows; ALTER TABLE ${table.name} ENGINE = InnoDB, or leave writable out`;
}

async function jsonChecks(reader: Reader, schema: string, table: string, signal: AbortSignal): Promise<Set<string>> {
  // MySQL has a JSON type of its own, and no TABLE_NAME in this view.
  const [version] = await reader.read({ text: 'SELECT VERSION()', values: [] }, signal);
  if (!/mariadb/i.test(String(version?.[0]))) return new Set();
  const rows = await reader.read(
    {
      text: 'SELECT CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = ? AND TABLE_NAME = ?',
      values: [schema, table],
    },
    signal,
  );
  return new Set(rows.flatMap(([clause]) => columnOfCheck(clause)));
}

function columnOfCheck(clause: SqlRow[number] | undefined): string[] {
  const match = /^\s*json_valid\(`((?:[^`]|``)+)`\)\s*$/i.exec(String(clause));
  return match?.[1] === undefined ? [] : [match[1].replaceAll('``', '`')];
}

/** The table that the configuration makes of these columns. Throws a {@link MappingError} when it does not fit them. */
export function tableOf(mapping: Mapping, name: string, described: readonly Described[], indexes: readonly Index[], view: boolean): Table {
  const fields = mapping.columns ?? Object.fromEntries(described.filter(({ known }) => known).map(({ column }) => [column, column]));
  const known = (option: string, column: string, field: string) => ({ field, ...columnNamed(mapping, described, option, column) });
  const columns = Object.entries(fields).map(([field, column]) => known(`columns.${field}`, column, field));
  const own = (option: 'id_column' | 'time_column') => known(option, mapping[option], mapping[option]);
  const [key, time] = [own('id_column'), own('time_column')];
  if (time.kind !== 'time') {
    const type = described.find(({ column }) => column === time.column)?.type;
    throw new MappingError(`time_column ${time.column} of ${mapping.table} is of type ${type}; it must be DATETIME, TIMESTAMP or DATE`);
  }
  const keyType = described.find(({ column }) => column === key.column)?.type ?? '';
  if (UNORDERED.includes(keyType)) {
    throw new MappingError(
      `id_column ${key.column} of ${mapping.table} is of type ${keyType}, which is put in another order than it is compared in; name a column of whole numbers or texts`,
    );
  }
  const indexed = new Set(indexes.flatMap((index) => index.columns.slice(0, 1)));
  const table = mappedTable(name, columns, { key, time, indexed });
  const unique = indexes.some((index) => index.unique && index.columns.length === 1 && index.columns[0] === key.column);
  if (!view && (!unique || key.nullable)) {
    throw new MappingError(
      `id_column ${key.column} of ${mapping.table} is not unique, or may be NULL; name a PRIMARY KEY or a NOT NULL column with a UNIQUE index of its own`,
    );
  }
  return table;
}

function columnNamed(mapping: Mapping, described: readonly Described[], option: string, wanted: string) {
  const found = columnCalled(described, wanted);
  if (found?.known) return found.known;
  if (found)
    throw new MappingError(`${option}: the column ${wanted} of ${mapping.table} is of type ${found.type}, which cannot be told as JSON`);
  const names = described.map(({ column }) => column);
  const meant = nearest(wanted, names);
  throw new MappingError(
    `${option}: ${mapping.table} has no column ${wanted}; ${meant === undefined ? '' : `did you mean ${meant}? `}it has ${names.join(', ')}`,
  );
}
