import { describe, durationText, type Probe } from '../../core/contract/index.ts';
import { settingsOf } from './differences.ts';
import { checkShards } from './history.ts';
import { type ClusterOptions, keepSeconds } from './options.ts';
import { findSchema } from './read-schema.ts';
import { describeReplication, localCopies } from './replication.ts';
import { type Store, storeOf } from './schema.ts';
import type { Session } from './session.ts';
import { LOGS } from './tables.ts';

/** The nodes and the tables as they are now. Not well when a quorum is missing for some of the lines, or the tables cannot be used. */
export async function probeStore(session: Session, { keyspace }: Store, options: ClusterOptions, signal: AbortSignal): Promise<Probe> {
  try {
    const found = await findSchema(session, keyspace, signal);
    const { shards, keep } = storeOf(session, keyspace, found);
    checkShards(keyspace, shards, options.shards);
    const { replication = {} } = found;
    const nodes = nodesText(session, localCopies(session, replication) ?? 0);
    const version = Math.max(...found.versions.map((one) => one.version));
    const parts = [
      nodes.text,
      `keyspace ${keyspace} with copies in ${describeReplication(replication)}`,
      `schema version ${version}, ${shards} shards`,
      keep === undefined ? 'lines do not expire by themselves' : `lines expire after ${durationText(keep * 1000)}`,
    ];
    const differing = settingsOf(found, keyspace, keepSeconds(options));
    if (differing.some(({ table, name }) => table === LOGS && name === 'default_time_to_live')) {
      parts.push(`keep says ${durationText(options.keep)}: mend it, or set the tables with cauce schema apply`);
    } else if (differing.length > 0) {
      const names = differing.map(({ table, name }) => `${name} of ${table}`);
      parts.push(`set otherwise than the options want it: ${names.join(', ')}; cauce schema apply sets them`);
    }
    return { ok: nodes.enough, detail: parts.join(', ') };
  } catch (error) {
    if (signal.aborted) throw error;
    return { ok: false, detail: describe(error) };
  }
}

function nodesText({ client, dataCenter }: Session, copies: number): { readonly text: string; readonly enough: boolean } {
  const nodes = client.hosts.values().filter((host) => host.datacenter === dataCenter);
  const down = nodes.filter((host) => !host.isUp()).map((host) => host.address.replace(/:\d+$/, ''));
  const count = `${nodes.length - down.length} of ${nodes.length} ${nodes.length === 1 ? 'node' : 'nodes'} of ${dataCenter} up`;
  if (down.length === 0) return { text: count, enough: true };
  // A quorum of the copies has to be up, whichever nodes they are on.
  const enough = down.length <= copies - (Math.floor(copies / 2) + 1);
  const effect = enough ? '' : ', and until then some lines can be neither written nor read';
  return { text: `${count} (down: ${down.join(', ')}; start them${effect})`, enough };
}
