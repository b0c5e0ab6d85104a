import { CauceError, type Change, describe, type Log, PermanentError, RetryableError, type Source } from '../../core/contract/index.ts';
import { agreement, schemaNode } from './change-schema.ts';
import { missingFrom, obstacles, settingsOf } from './differences.ts';
import { checkShards, checkVersion } from './history.ts';
import { type ClusterOptions, keepSeconds } from './options.ts';
import { type Found, findSchema, shardsOf } from './read-schema.ts';
import { localCopies, warnOfReplication } from './replication.ts';
import { connect, type Session } from './session.ts';
import { type Applying, type Step, stepsFor } from './steps.ts';
import { LOGS } from './tables.ts';

/** What a reader or writer needs to know of the tables. */
export interface Store {
  readonly keyspace: string;
  /** Of an hour of a service. */
  readonly shards: number;
  /** The default time to live of the lines' table, in seconds; undefined: its rows do not expire by themselves. */
  readonly keep?: number;
}

export interface Opened {
  readonly session: Session;
  readonly store: Store;
}

interface Opening {
  /** Make what is missing. */
  readonly create: boolean;
  /** Of the configuration; its schema can be applied. */
  readonly source?: string;
  /** The name of this agent's host. */
  readonly host: string;
  readonly log: Log;
}

/** The keyspace, a table or a part of one is not there yet. */
export class SchemaMissing extends RetryableError {
  constructor(what: string, options?: { cause?: unknown }) {
    super(what, { ...options, code: 'ERR_CASSANDRA_SCHEMA' });
  }
}

/**
 * Rejects with a {@link SchemaMissing} when something is not there yet, and with a PermanentError when a table is another one
 * than this agent knows, or of a newer version.
 */
export async function readSchema(session: Session, keyspace: string, signal: AbortSignal, source?: string): Promise<Store> {
  return storeOf(session, keyspace, await findSchema(session, keyspace, signal), source);
}

/**
 * Makes what is missing and alters what can be altered; a dry run only tells what that would be. Several agents may do it at the
 * same time, and what one left half done is completed by the next.
 */
export async function applySchema(
  session: Session,
  options: ClusterOptions,
  applying: Applying,
  signal: AbortSignal,
): Promise<readonly Change[]> {
  const { keyspace } = options;
  if (!applying.dryRun) await agreement(session, signal);
  const found = await findSchema(session, keyspace, signal, schemaNode(session));
  checkFound(session, keyspace, found);
  checkShards(keyspace, shardsOf(keyspace, found.versions), options.shards);
  const steps = stepsFor(session, options, applying, found);
  if (applying.dryRun) return steps.map(({ change }) => change);
  const done = await runAll(steps, signal);
  await agreement(session, signal);
  // Another agent may have made another one at the same time.
  await readSchema(session, keyspace, signal);
  return done;
}

/** The facet of a source; it works on one that was not started. */
export function schemaFacet(options: ClusterOptions, { host, log }: Pick<Opening, 'host' | 'log'>): NonNullable<Source['schema']> {
  return {
    async apply({ dryRun }, signal) {
      const session = await connect(options, signal);
      try {
        return await applySchema(session, options, { dryRun, host, log }, signal);
      } finally {
        await session.close();
      }
    },
  };
}

/** Connects, and reads the schema; with `create`, makes it first when it is missing. Whoever opens it closes the session. */
export async function openStore(options: ClusterOptions, opening: Opening, signal: AbortSignal): Promise<Opened> {
  const session = await connect(options, signal);
  try {
    return { session, store: await readOrCreate(session, options, opening, signal) };
  } catch (error) {
    await session.close();
    throw error;
  }
}

async function readOrCreate(session: Session, options: ClusterOptions, opening: Opening, signal: AbortSignal): Promise<Store> {
  const { keyspace } = options;
  const { create, host, log, source } = opening;
  let found = await findSchema(session, keyspace, signal);
  if (create && lacks(session, keyspace, found)) {
    const changes = await applySchema(session, options, { dryRun: false, host, log }, signal);
    for (const { what } of changes) log.info(`schema: ${what}`);
    found = await findSchema(session, keyspace, signal);
  }
  const store = storeOf(session, keyspace, found, source);
  checkShards(keyspace, store.shards, options.shards);
  if (found.replication) warnOfReplication(session, options, log, found.replication);
  const differences = settingsOf(found, keyspace, keepSeconds(options)).map(
    ({ table, name, is, wanted }) => `${name} of ${table} is ${is}, and should be ${wanted}`,
  );
  if (differences.length > 0) log.warn('tables are set otherwise than the options want it; cauce schema apply sets them', { differences });
  return store;
}

function lacks(session: Session, keyspace: string, found: Found): boolean {
  try {
    storeOf(session, keyspace, found);
    return false;
  } catch (error) {
    if (error instanceof SchemaMissing) return true;
    throw error;
  }
}

/** What {@link readSchema} says of what was found. */
export function storeOf(session: Session, keyspace: string, found: Found, source = '<the source of Cassandra>'): Store {
  checkFound(session, keyspace, found);
  const shards = shardsOf(keyspace, found.versions);
  const absent = absentFrom(keyspace, found);
  if (absent !== undefined || shards === undefined) {
    const what = absent ?? `the schema of ${keyspace} was applied by half`;
    throw new SchemaMissing(`${what}; make it with: cauce schema apply --source ${source}`);
  }
  const keep = found.tables.get(LOGS)?.ttl;
  return { keyspace, shards, ...(keep && { keep }) };
}

/** Rejects what no statement of this agent mends. */
function checkFound(session: Session, keyspace: string, found: Found): void {
  checkVersion(keyspace, found.versions);
  const wrong = obstacles(found, keyspace);
  if (wrong.length > 0) throw new PermanentError(wrong.join('; '), { code: 'ERR_CASSANDRA_SCHEMA' });
  if (found.replication === undefined || localCopies(session, found.replication) !== undefined) return;
  throw new RetryableError(
    `${keyspace} has no copies in ${session.dataCenter}, where this agent reads and writes: ALTER KEYSPACE ${keyspace} to have them there, or set data_center`,
    { code: 'ERR_CASSANDRA_SCHEMA' },
  );
}

function absentFrom(keyspace: string, found: Found): string | undefined {
  if (found.replication === undefined) return `there is no keyspace ${keyspace}`;
  const { tables, columns, indexes } = missingFrom(found);
  const absent = [
    ...tables.map(({ name }) => `no table ${name}`),
    ...columns.map(({ table, column }) => `no column ${column.name} in ${table}`),
    ...indexes.map(({ table, column }) => `no index on ${column} in ${table}`),
  ];
  return absent.length > 0 ? `the keyspace ${keyspace} has ${absent.join(', ')}` : undefined;
}

async function runAll(steps: readonly Step[], signal: AbortSignal): Promise<readonly Change[]> {
  const done: Change[] = [];
  for (const { change, run } of steps) {
    try {
      if (await run(signal)) done.push(change);
    } catch (error) {
      throw failed(change, done, signal.aborted ? signal.reason : error);
    }
  }
  return done;
}

function failed(change: Change, done: readonly Change[], error: unknown): CauceError {
  const before = done.length > 0 ? `; done before that: ${done.map(({ what }) => what).join('; ')}` : '';
  const text = `could not ${change.what}: ${describe(error)}${before}`;
  const options = { cause: error, code: error instanceof CauceError ? error.code : 'ERR_CASSANDRA_SCHEMA' };
  return error instanceof PermanentError ? new PermanentError(text, options) : new RetryableError(text, options);
}
