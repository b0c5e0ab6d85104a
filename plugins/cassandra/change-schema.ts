import { setTimeout as sleep } from 'node:timers/promises';
import type { Host } from 'cassandra-driver';
import { CauceError, RetryableError } from '../../core/contract/index.ts';
import type { IndexShape } from './ddl.ts';
import type { Session, Statement } from './session.ts';

const LOOK_AGAIN_MS = 500;
/** How long nodes that are up may take to agree on the schema. */
const AGREED_WITHIN_MS = 30_000;
const STATEMENT_MS = 30_000;

/** Codes of error responses, section 9 of the native protocol v4. */
const ALREADY_EXISTS = 0x2400;
const READ_FAILURE = 0x1300;

/**
 * The node through which the schema is changed: it knows at once what was changed there, and the others a moment later. All agents
 * of a data centre take the same one, so that they seldom change the schema through two nodes at the same time.
 */
export function schemaNode({ client, dataCenter }: Session): Host | undefined {
  const up = client.hosts.values().filter((host) => host.isUp() && host.datacenter === dataCenter);
  return up.sort((a, b) => (a.address < b.address ? -1 : 1))[0];
}

/**
 * False: it was there already, so that another agent made it in the meantime. The next change may follow at once; what reads or
 * writes a table that was made waits for {@link agreement} first.
 */
export async function changeSchema(session: Session, query: string, signal: AbortSignal): Promise<boolean> {
  const host = schemaNode(session);
  try {
    // Never through two nodes at the same time, which speculation would do.
    const options = { prepare: false, isIdempotent: false, readTimeout: STATEMENT_MS, ...(host && { host }) };
    await session.execute({ query, params: [] }, signal, options);
  } catch (error) {
    if (codeOf(error) !== ALREADY_EXISTS) throw error;
    return false;
  }
  return true;
}

/**
 * Resolves when all nodes that are up have the same schema. Nodes that are down do not count: they learn it when they come back.
 * Rejects with a RetryableError when it takes longer than half a minute.
 */
export async function agreement(session: Session, signal: AbortSignal): Promise<void> {
  // Another node could still know nothing of the change, and find that all agree on what was before.
  const host = schemaNode(session);
  const until = Date.now() + AGREED_WITHIN_MS;
  while ((await schemaVersions(session, host, signal)).size > 1) {
    if (Date.now() > until) {
      throw new RetryableError('the nodes do not agree on the schema yet; nodetool describecluster shows which of them differ', {
        code: 'ERR_CASSANDRA_SCHEMA',
      });
    }
    await sleep(LOOK_AGAIN_MS, undefined, { signal });
  }
}

async function schemaVersions(session: Session, host: Host | undefined, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const ask = async (query: string) => (await session.execute({ query, params: [] }, signal, host && { host })).rows;
  const [own, peers] = await Promise.all([
    ask("SELECT schema_version FROM system.local WHERE key = 'local'"),
    ask('SELECT host_id, schema_version FROM system.peers'),
  ]);
  const down = session.client.hosts.values().filter((one) => !one.isUp());
  const isDown = (id: unknown) => down.some((one) => String(one.hostId) === String(id));
  const counted = [...own, ...peers.filter((row) => !isDown(row['host_id']))];
  // A node that just joined has none yet.
  return new Set(counted.flatMap((row) => (row['schema_version'] ? [String(row['schema_version'])] : [])));
}

/** Resolves when the index answers, which takes a while when the table is large already. */
export async function indexIsBuilt(session: Session, keyspace: string, index: IndexShape, signal: AbortSignal): Promise<void> {
  await agreement(session, signal);
  const host = schemaNode(session);
  const statement: Statement = {
    query: `SELECT ${index.column} FROM ${keyspace}.${index.table} WHERE ${index.column} = ? LIMIT 1`,
    params: [''],
  };
  for (;;) {
    try {
      await session.execute(statement, signal, host && { host });
      return;
    } catch (error) {
      // Of an index that is being built, nodes say that they failed to read.
      if (codeOf(error) !== READ_FAILURE) throw error;
    }
    await sleep(LOOK_AGAIN_MS, undefined, { signal });
  }
}

function codeOf(error: unknown): unknown {
  const { cause } = (error instanceof CauceError ? error : {}) as { cause?: { code?: unknown } };
  return cause?.code;
}
