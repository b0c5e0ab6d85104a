import { createHash } from 'node:crypto';
import { LOGS, type TableColumn, type TableShape } from './tables.ts';

/** In seconds: above the three hours for which nodes keep hints, so that a node which was away brings nothing deleted back. */
export const GC_GRACE = 86_400;
export const COMPACTION = 'TimeWindowCompactionStrategy';
/** Each window becomes one file; a read of a partition looks at few of them, and a whole file expires at once. */
const WINDOWS = 30;
const HOUR = 3600;

/** Copies by data centre. */
export type Replication = Readonly<Record<string, number>>;

export interface IndexShape {
  readonly name: string;
  readonly table: string;
  readonly column: string;
}

/** The one field that is often asked for and has few values. `request_id` has a table of its own; other fields go with a partition. */
export const LEVEL_INDEX: IndexShape = { name: `${LOGS}_level`, table: LOGS, column: 'level' };

/** The default time to live of a table in seconds; 0: its rows do not expire. `keep` in seconds. */
export function ttlOf({ expires }: TableShape, keep: number): number {
  if (expires === 'lines') return keep;
  return expires === 'never' ? 0 : expires;
}

/** Hours of one window of compaction, so that about 30 of them cover `ttl` seconds. */
export function windowOf(ttl: number): number {
  return Math.ceil(ttl / HOUR / WINDOWS);
}

export function createKeyspace(keyspace: string, replication: Replication): string {
  const copies = Object.entries(replication).map(([name, count]) => `, ${literal(name)}: ${count}`);
  return `CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'NetworkTopologyStrategy'${copies.join('')}}`;
}

export function createTable(keyspace: string, shape: TableShape, keep: number): string {
  const { name, columns } = shape;
  const ordered = columns.filter(({ part }) => part === 'ascending' || part === 'descending');
  const partition = columns.filter(({ part }) => part === 'partition').map((column) => column.name);
  const order = ordered.map((column) => `${column.name} ${column.part === 'descending' ? 'DESC' : 'ASC'}`);
  const key = keyText(
    partition,
    ordered.map((column) => column.name),
  );
  const options = [
    // Two agents that create a table through two nodes at the same time would make two tables of one name, and lose one of them.
    `ID = ${tableId(keyspace, name)}`,
    `CLUSTERING ORDER BY (${order.join(', ')})`,
    `comment = ${literal(shape.comment)}`,
    ...(shape.expires === 'never' ? [] : expiring(ttlOf(shape, keep))),
    // Bodies are much alike, and read by the page: large blocks shrink best. What is looked up row by row keeps Cassandra's small ones.
    ...(name === LOGS ? ["compression = {'class': 'ZstdCompressor', 'chunk_length_in_kb': 64}"] : []),
  ];
  const list = [...columns.map(definition), key];
  return `CREATE TABLE ${keyspace}.${name} (${list.join(', ')}) WITH ${options.join(' AND ')}`;
}

function expiring(ttl: number): string[] {
  return [
    setting('default_time_to_live', ttl),
    setting('gc_grace_seconds', GC_GRACE),
    compaction(ttl),
    // A read that mends an old row writes it into a new file, which then keeps the old ones from being dropped when they expire.
    "read_repair = 'NONE'",
  ];
}

export function createIndex(keyspace: string, { name, table, column }: IndexShape): string {
  return `CREATE INDEX IF NOT EXISTS ${name} ON ${keyspace}.${table} (${column}) USING 'sai'`;
}

export function addColumn(keyspace: string, table: string, column: TableColumn): string {
  return `ALTER TABLE ${keyspace}.${table} ADD IF NOT EXISTS ${definition(column)}`;
}

export function alterTable(keyspace: string, table: string, option: string): string {
  return `ALTER TABLE ${keyspace}.${table} WITH ${option}`;
}

export function setting(name: 'default_time_to_live' | 'gc_grace_seconds', value: number): string {
  return `${name} = ${value}`;
}

export function compaction(ttl: number): string {
  const { size, unit } = windowText(windowOf(ttl));
  return `compaction = {'class': '${COMPACTION}', 'compaction_window_unit': '${unit}', 'compaction_window_size': ${size}}`;
}

/** In the largest unit that fits. */
export function windowText(hours: number): { readonly size: number; readonly unit: 'DAYS' | 'HOURS' } {
  return hours % 24 === 0 ? { size: hours / 24, unit: 'DAYS' } : { size: hours, unit: 'HOURS' };
}

/** The key of a table as it is written in CQL. */
export function keyText(partition: readonly string[], ordered: readonly string[]): string {
  return `PRIMARY KEY (${[`(${partition.join(', ')})`, ...ordered].join(', ')})`;
}

function definition({ name, type, part }: TableColumn): string {
  return `${name} ${type}${part === 'static' ? ' static' : ''}`;
}

/** The same for every agent. */
function tableId(keyspace: string, table: string): string {
  const hex = createHash('sha256').update(`cauce/${keyspace}/${table}`).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `5${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20, 32)].join('-');
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
