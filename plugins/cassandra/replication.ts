import { type Log, RetryableError } from '../../core/contract/index.ts';
import type { Replication } from './ddl.ts';
import type { ClusterOptions } from './options.ts';
import type { Session } from './session.ts';

type Wanted = Pick<ClusterOptions, 'replication' | 'keyspace'>;

/** What a new keyspace gets. Rejects what the nodes that are known cannot hold, since no write to it would ever be confirmed. */
export function newReplication(session: Session, options: Wanted): Replication {
  const wanted = wantedReplication(session, options);
  if (!(session.dataCenter in wanted)) {
    throw refused(`replication names ${Object.keys(wanted).join(', ')}, and this agent talks to ${session.dataCenter}; add it there`);
  }
  const nodes = nodesByDataCenter(session);
  for (const [name, copies] of Object.entries(wanted)) {
    const has = nodes.get(name) ?? 0;
    if (has === 0)
      throw refused(`no node of the data centre ${name} is known; there are: ${[...nodes.keys()].join(', ')}. Mend replication`);
    if (copies > has) {
      const only = `${name} has ${has} ${has === 1 ? 'node' : 'nodes'}`;
      throw refused(
        `${only}, too few for ${copies} copies of each line; set replication: ${replicationText(options, name, has)}, or add nodes`,
      );
    }
  }
  return wanted;
}

/** An existing keyspace is left to the operators of the cluster. */
export function warnOfReplication(session: Session, options: Wanted, log: Log, replication: Readonly<Record<string, string>>): void {
  const wanted = wantedReplication(session, options);
  const { class: kind = '', ...copies } = replication;
  const same =
    kind.endsWith('NetworkTopologyStrategy') &&
    Object.entries(wanted).every(([name, count]) => copies[name] === String(count)) &&
    // Of other data centres a plain number says nothing.
    (typeof options.replication === 'number' || Object.keys(copies).every((name) => name in wanted));
  if (same) return;
  log.warn(`the keyspace has other copies than replication says; mend that option, or ALTER KEYSPACE ${options.keyspace}`, {
    is: describeReplication(replication),
    wanted: mapText(wanted),
  });
}

/** As an operator would write it: `dc1: 3, dc2: 2`. */
export function describeReplication(replication: Readonly<Record<string, string>>): string {
  const { class: kind = '', ...copies } = replication;
  const text = mapText(copies);
  return kind.endsWith('NetworkTopologyStrategy') ? text : `${kind.replace(/^.*\./, '')} ${text}`;
}

/** Copies in the data centre that the agent talks to; undefined when the keyspace has none there. */
export function localCopies(session: Session, replication: Readonly<Record<string, string>>): number | undefined {
  const copies = replication[replication['class']?.endsWith('SimpleStrategy') ? 'replication_factor' : session.dataCenter];
  return copies === undefined ? undefined : Number.parseInt(copies, 10);
}

export function mapText(copies: Readonly<Record<string, string | number>>): string {
  return Object.entries(copies)
    .map(([name, count]) => `${name}: ${count}`)
    .join(', ');
}

function wantedReplication(session: Session, { replication }: Wanted): Replication {
  return typeof replication === 'number' ? { [session.dataCenter]: replication } : replication;
}

function replicationText({ replication }: Wanted, name: string, count: number): string {
  return typeof replication === 'number' ? String(count) : `{ ${mapText({ ...replication, [name]: count })} }`;
}

/** Nodes that are down count: they come back. */
function nodesByDataCenter({ client }: Session): ReadonlyMap<string, number> {
  const nodes = new Map<string, number>();
  for (const { datacenter } of client.hosts.values()) nodes.set(datacenter, (nodes.get(datacenter) ?? 0) + 1);
  return nodes;
}

/** More nodes may join while the agent waits. */
function refused(text: string): RetryableError {
  return new RetryableError(`the keyspace is not created: ${text}`, { code: 'ERR_CASSANDRA_SCHEMA' });
}
