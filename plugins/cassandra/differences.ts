import {
  alterTable,
  COMPACTION,
  compaction,
  GC_GRACE,
  type IndexShape,
  keyText,
  LEVEL_INDEX,
  setting,
  ttlOf,
  windowOf,
  windowText,
} from './ddl.ts';
import type { Found, FoundTable } from './read-schema.ts';
import { LOGS, TABLES, type TableColumn, type TableShape } from './tables.ts';

/** What is not there yet. */
export interface Missing {
  readonly tables: readonly TableShape[];
  readonly columns: readonly { readonly table: string; readonly column: TableColumn }[];
  readonly indexes: readonly IndexShape[];
}

/** An option of a table that is other than the configuration wants it. */
export interface Setting {
  readonly table: string;
  readonly name: 'default_time_to_live' | 'gc_grace_seconds' | 'compaction';
  readonly is: string;
  readonly wanted: string;
  readonly statement: string;
}

export function missingFrom(found: Found): Missing {
  const logs = found.tables.get(LEVEL_INDEX.table);
  return {
    tables: TABLES.filter(({ name }) => !found.tables.has(name)),
    columns: TABLES.flatMap(({ name, columns }) => {
      const table = found.tables.get(name);
      if (!table) return [];
      return columns.filter((column) => !table.columns.some((one) => one.name === column.name)).map((column) => ({ table: name, column }));
    }),
    indexes: logs?.indexed.includes(LEVEL_INDEX.column) ? [] : [LEVEL_INDEX],
  };
}

/** What stands in the way and cannot be altered, one text for each table. */
export function obstacles(found: Found, keyspace: string): string[] {
  return TABLES.flatMap((shape) => {
    const table = found.tables.get(shape.name);
    const text = table && obstacle(table, shape, `${keyspace}.${shape.name}`);
    return text === undefined ? [] : [text];
  });
}

function obstacle(table: FoundTable, shape: TableShape, name: string): string | undefined {
  const key = keyOf(table);
  if (shape.name === LOGS && key === FIRST_SYSTEM_KEY) {
    return `${name} is the table of the first system, with ${key}, which holds one line of each millisecond only. Keep it, and set keyspace to another name; or copy out what is wanted of it, and DROP TABLE ${name}`;
  }
  const wanted = wantedKey(shape);
  if (key !== wanted) return `${name} has ${key} and should have ${wanted}; ${MEND}`;
  const wrong = shape.columns.flatMap((column) => {
    const has = table.columns.find((one) => one.name === column.name);
    if (!has) return [];
    const is = typeText(has.type, has.kind === 'static');
    const should = typeText(column.type, column.part === 'static');
    return is === should ? [] : [`${column.name} of type ${is}, which should be ${should}`];
  });
  return wrong.length > 0 ? `${name} has ${wrong.join(', and ')}; ${MEND}` : undefined;
}

const MEND = 'this cannot be altered: set keyspace to another name, or copy out what is wanted, and drop the table';
const FIRST_SYSTEM_KEY = 'PRIMARY KEY ((log_date), timestamp)';

function typeText(type: string, isStatic: boolean): string {
  return `${type}${isStatic ? ' static' : ''}`;
}

function keyOf({ columns }: FoundTable): string {
  const part = (kind: string) => columns.filter((one) => one.kind === kind).sort((a, b) => a.position - b.position);
  return keyText(
    part('partition_key').map(({ name }) => name),
    part('clustering').map(({ name, order }) => ordered(name, order === 'desc')),
  );
}

function wantedKey({ columns }: TableShape): string {
  return keyText(
    columns.filter(({ part }) => part === 'partition').map(({ name }) => name),
    columns
      .filter(({ part }) => part === 'ascending' || part === 'descending')
      .map(({ name, part }) => ordered(name, part === 'descending')),
  );
}

function ordered(name: string, descending: boolean): string {
  return descending ? `${name} DESC` : name;
}

/** `keep` in seconds. */
export function settingsOf(found: Found, keyspace: string, keep: number): Setting[] {
  return TABLES.flatMap((shape) => {
    const table = found.tables.get(shape.name);
    if (!table || shape.expires === 'never') return [];
    const ttl = ttlOf(shape, keep);
    const differing = (name: Setting['name'], is: string, wanted: string, option: string): Setting[] =>
      is === wanted ? [] : [{ table: shape.name, name, is, wanted, statement: alterTable(keyspace, shape.name, option) }];
    return [
      ...differing('default_time_to_live', String(table.ttl), String(ttl), setting('default_time_to_live', ttl)),
      ...differing('gc_grace_seconds', String(table.gcGrace), String(GC_GRACE), setting('gc_grace_seconds', GC_GRACE)),
      ...differing(
        'compaction',
        compactionText(table.compaction, table.window),
        compactionText(COMPACTION, windowOf(ttl)),
        compaction(ttl),
      ),
    ];
  });
}

function compactionText(kind: string, hours: number | undefined): string {
  if (hours === undefined) return kind;
  const { size, unit } = windowText(hours);
  return `${kind} with windows of ${size} ${unit}`;
}
