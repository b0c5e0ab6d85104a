import { setTimeout as sleep } from 'node:timers/promises';
import { PermanentError, RetryableError } from '../../core/contract/index.ts';
import { COMPONENT, type FoundVersion, shardsOf } from './read-schema.ts';
import type { Session } from './session.ts';
import { HISTORY } from './tables.ts';

/** What this agent knows of the schema. */
export const VERSION = 1;
export const DEFAULT_SHARDS = 8;
const SETTLED_MS = 15_000;
const MOST_TRIES = 5;

/** Rejects a schema that a newer agent has applied: what this one would write or read could be wrong there. */
export function checkVersion(keyspace: string, versions: readonly FoundVersion[]): void {
  const newest = Math.max(0, ...versions.map(({ version }) => version));
  if (newest <= VERSION) return;
  throw new PermanentError(
    `the schema of ${keyspace} is of version ${newest}, and this agent knows it up to version ${VERSION}: update the agent, or give it another keyspace`,
    { code: 'ERR_CASSANDRA_SCHEMA' },
  );
}

/** The number of shards decides on every line's key, so that another one would hide what is there. Undefined ones differ from nothing. */
export function checkShards(keyspace: string, shards: number | undefined, wanted: number | undefined): void {
  if (shards === undefined || wanted === undefined || wanted === shards) return;
  throw new PermanentError(
    `the lines of ${keyspace} are in ${shards} shards for ever, and the option shards says ${wanted}: set shards: ${shards}, or leave it out, or set keyspace to another name for a new store`,
    { code: 'ERR_CASSANDRA_SCHEMA' },
  );
}

/**
 * Records version 1, unless it is recorded; of two agents that do it at the same time, in any data centre, one wins. False: it was
 * recorded already. Rejects when it was recorded with another number of shards than `shards`, when that is given.
 */
export async function recordVersion(
  session: Session,
  keyspace: string,
  { shards, host }: { readonly shards: number | undefined; readonly host: string },
  signal: AbortSignal,
): Promise<boolean> {
  const { quorum, serial } = session.driver.types.consistencies;
  const settings = { shards: String(shards ?? DEFAULT_SHARDS) };
  const applied = new Date();
  const insert = {
    query: `INSERT INTO ${keyspace}.${HISTORY} (component, version, applied, applied_by, settings) VALUES (?, ?, ?, ?, ?) IF NOT EXISTS`,
    params: [COMPONENT, VERSION, applied, host, settings],
  };
  const { result, repeated } = await settled(
    () => session.execute(insert, signal, { consistency: quorum, serialConsistency: serial, readTimeout: SETTLED_MS }),
    signal,
  );
  const row = result.first();
  // A try that seemed to fail may have been the one that was applied.
  const isOurs = repeated && row?.['applied_by'] === host && (row['applied'] as Date | null)?.getTime() === applied.getTime();
  if (result.wasApplied() || isOurs) return true;
  const recorded = { version: VERSION, settings: (row?.['settings'] ?? {}) as Record<string, string> };
  checkShards(keyspace, shardsOf(keyspace, [recorded]), shards);
  return false;
}

/** Agents that record at the same time stand in each other's way, and are told so by a time-out. */
async function settled<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<{ readonly result: T; readonly repeated: boolean }> {
  for (let tries = 1; ; tries++) {
    try {
      return { result: await attempt(), repeated: tries > 1 };
    } catch (error) {
      if (!(error instanceof RetryableError) || signal.aborted || tries >= MOST_TRIES) throw error;
      await sleep(Math.random() * 1000 * tries, undefined, { signal });
    }
  }
}
