import type { Host } from 'cassandra-driver';
import { PermanentError } from '../../core/contract/index.ts';
import type { Session } from './session.ts';
import { HISTORY } from './tables.ts';

type Row = Readonly<Record<string, unknown>>;

export interface FoundColumn {
  readonly name: string;
  readonly type: string;
  readonly kind: 'partition_key' | 'clustering' | 'regular' | 'static';
  /** Within the key; -1 outside of it. */
  readonly position: number;
  readonly order: 'asc' | 'desc' | 'none';
}

export interface FoundTable {
  readonly columns: readonly FoundColumn[];
  /** Columns with an SAI index. */
  readonly indexed: readonly string[];
  /** In seconds; 0: none. */
  readonly ttl: number;
  readonly gcGrace: number;
  /** Without its package. */
  readonly compaction: string;
  /** Hours of a time window, where the compaction has one. */
  readonly window?: number;
}

export interface FoundVersion {
  readonly version: number;
  readonly settings: Readonly<Record<string, string>>;
}

/** What is there in a cluster. */
export interface Found {
  /** As the keyspace has it, with its `class`; undefined: there is no such keyspace. */
  readonly replication?: Readonly<Record<string, string>>;
  readonly tables: ReadonlyMap<string, FoundTable>;
  readonly versions: readonly FoundVersion[];
}

/** What this schema is called in its history. */
export const COMPONENT = 'logs';
const HOURS_OF: Readonly<Record<string, number>> = { MINUTES: 1 / 60, HOURS: 1, DAYS: 24 };

/**
 * Needs no privilege for what the nodes tell of the schema, and SELECT on `schema_history`. `host`: the node to ask, when others
 * may not know yet what was changed there.
 */
export async function findSchema(session: Session, keyspace: string, signal: AbortSignal, host?: Host): Promise<Found> {
  const read = async (query: string, params: readonly unknown[]): Promise<readonly Row[]> => {
    const { rows } = await session.execute({ query, params }, signal, host && { host });
    return rows as unknown as readonly Row[];
  };
  const about = (table: string) => read(`SELECT * FROM system_schema.${table} WHERE keyspace_name = ?`, [keyspace]);
  const [[own], tables, columns, indexes] = (await Promise.all(['keyspaces', 'tables', 'columns', 'indexes'].map(about))) as [
    readonly Row[],
    readonly Row[],
    readonly Row[],
    readonly Row[],
  ];
  const found = new Map(tables.map((row) => [String(row['table_name']), tableOf(row, columns, indexes)]));
  const history = found.has(HISTORY)
    ? await read(`SELECT version, settings FROM ${keyspace}.${HISTORY} WHERE component = ?`, [COMPONENT])
    : [];
  return {
    ...(own && { replication: own['replication'] as Record<string, string> }),
    tables: found,
    versions: history.map((row) => ({ version: row['version'] as number, settings: (row['settings'] ?? {}) as Record<string, string> })),
  };
}

function tableOf(row: Row, columns: readonly Row[], indexes: readonly Row[]): FoundTable {
  const isOwn = (other: Row) => other['table_name'] === row['table_name'];
  const compaction = (row['compaction'] ?? {}) as Readonly<Record<string, string>>;
  const window = Number(compaction['compaction_window_size']) * (HOURS_OF[compaction['compaction_window_unit'] ?? ''] ?? Number.NaN);
  return {
    columns: columns.filter(isOwn).map(columnOf),
    indexed: indexes.filter(isOwn).flatMap(indexedBy),
    ttl: row['default_time_to_live'] as number,
    gcGrace: row['gc_grace_seconds'] as number,
    compaction: (compaction['class'] ?? '').replace(/^.*\./, ''),
    ...(Number.isFinite(window) && { window }),
  };
}

function columnOf(row: Row): FoundColumn {
  return {
    name: String(row['column_name']),
    type: String(row['type']),
    kind: row['kind'] as FoundColumn['kind'],
    position: row['position'] as number,
    order: row['clustering_order'] as FoundColumn['order'],
  };
}

function indexedBy(row: Row): string[] {
  const { class_name: kind = '', target = '' } = (row['options'] ?? {}) as Readonly<Record<string, string>>;
  return /(?:^sai|StorageAttachedIndex)$/i.test(kind) ? [target.replaceAll('"', '')] : [];
}

/** The number of shards that was decided when the tables were made; undefined before that. */
export function shardsOf(keyspace: string, versions: readonly FoundVersion[]): number | undefined {
  const first = versions.find(({ version }) => version === 1);
  if (!first) return undefined;
  const shards = Number(first.settings['shards']);
  if (Number.isInteger(shards) && shards >= 1 && shards <= 256) return shards;
  throw new PermanentError(
    `version 1 in ${keyspace}.${HISTORY} must say in its settings how many shards there are, and says ${JSON.stringify(first.settings)}; set shards there to what the lines were written with`,
    { code: 'ERR_CASSANDRA_SCHEMA' },
  );
}
