import type { Client, ClientOptions, QueryOptions, types } from 'cassandra-driver';
import { RetryableError } from '../../core/contract/index.ts';
import { connectionFault, fault } from './faults.ts';
import { parseHosts } from './hosts.ts';
import { loginOf } from './login.ts';
import type { ClusterOptions } from './options.ts';

type Driver = typeof import('cassandra-driver');

/** Milliseconds after which a second node is asked the same as well, since the first may hang. */
const SPECULATE_MS = 1000;
/** Milliseconds between two tries to reach a node that is down. */
const RECONNECT = { first: 500, last: 5000 };
const HEARTBEAT_MS = 5000;

export interface Statement {
  readonly query: string;
  readonly params: readonly unknown[];
}

/** A connected client of one data centre. Every statement is prepared, and idempotent: it may be sent to several nodes. */
export class Session {
  readonly client: Client;
  readonly driver: Driver;
  readonly dataCenter: string;

  constructor(client: Client, driver: Driver, dataCenter: string) {
    this.client = client;
    this.driver = driver;
    this.dataCenter = dataCenter;
  }

  /** Rejects with what the abort says, with a RetryableError, or a PermanentError for what a repetition does not mend. */
  async execute({ query, params }: Statement, signal?: AbortSignal, options?: QueryOptions): Promise<types.ResultSet> {
    signal?.throwIfAborted();
    try {
      const result = await this.client.execute(query, params as unknown[], options ?? {});
      signal?.throwIfAborted();
      return result;
    } catch (error) {
      throw signal?.aborted ? signal.reason : fault(error);
    }
  }

  /** For statements of one partition, which Cassandra applies as one. */
  async batch(statements: readonly Statement[], signal?: AbortSignal, options?: QueryOptions): Promise<types.ResultSet> {
    signal?.throwIfAborted();
    try {
      return await this.client.batch([...statements] as { query: string; params: unknown[] }[], { logged: false, ...options });
    } catch (error) {
      throw signal?.aborted ? signal.reason : fault(error);
    }
  }

  /** What is under way ends first. */
  async close(): Promise<void> {
    await this.client.shutdown();
  }
}

/**
 * Connects to the nodes of one data centre. Only here the driver is loaded. Rejects when no node answers; from then on
 * nodes may come and go.
 */
export async function connect(options: ClusterOptions, signal: AbortSignal): Promise<Session> {
  const driver = await import('cassandra-driver');
  const base = await clientOptions(driver, options);
  const dataCenter = options.data_center ?? (await discover(driver, base, signal));
  const client = new driver.Client({
    ...base,
    localDataCenter: dataCenter,
    policies: {
      retry: new driver.policies.retry.IdempotenceAwareRetryPolicy(new driver.policies.retry.RetryPolicy()),
      reconnection: new driver.policies.reconnection.ExponentialReconnectionPolicy(RECONNECT.first, RECONNECT.last, false),
      speculativeExecution: new driver.policies.speculativeExecution.ConstantSpeculativeExecutionPolicy(SPECULATE_MS, 1),
    },
  });
  await opened(client, base.contactPoints ?? [], signal);
  return new Session(client, driver, dataCenter);
}

/** The data centre of whichever host answers first. */
async function discover(driver: Driver, base: ClientOptions, signal: AbortSignal): Promise<string> {
  const { RoundRobinPolicy } = driver.policies.loadBalancing;
  const client = new driver.Client({ ...base, isMetadataSyncEnabled: false, policies: { loadBalancing: new RoundRobinPolicy() } });
  await opened(client, base.contactPoints ?? [], signal);
  try {
    const { dataCenter } = await client
      .execute("SELECT data_center FROM system.local WHERE key = 'local'", [], { prepare: false })
      .then((result) => ({ dataCenter: result.first()?.['data_center'] as string | undefined }));
    if (!dataCenter) throw new RetryableError('the node does not say yet in which data centre it is', { code: 'ERR_CASSANDRA' });
    return dataCenter;
  } catch (error) {
    throw fault(error);
  } finally {
    await client.shutdown();
  }
}

async function opened(client: Client, hosts: readonly string[], signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  try {
    await client.connect();
  } catch (error) {
    await client.shutdown().catch(() => undefined); // It is not open; why is told by the first error.
    throw connectionFault(error, hosts);
  }
  if (!signal.aborted) return;
  await client.shutdown();
  signal.throwIfAborted();
}

async function clientOptions(driver: Driver, options: ClusterOptions): Promise<ClientOptions> {
  const parsed = parseHosts(options.hosts);
  if (typeof parsed === 'string') throw new TypeError(parsed);
  const { hosts, port = options.port } = parsed;
  const { credentials, sslOptions } = await loginOf(options);
  return {
    contactPoints: hosts.map((host) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)),
    // Whether the nodes agree on the schema is asked by whoever changes it; the driver would also wait for nodes that are down.
    protocolOptions: { port, maxVersion: driver.types.protocolVersion.v4, maxSchemaAgreementWaitSeconds: 0 },
    ...(credentials && { credentials }),
    ...(sslOptions && { sslOptions }),
    socketOptions: { connectTimeout: options.connect_timeout, readTimeout: options.timeout, defunctReadTimeoutThreshold: 4 },
    pooling: { heartBeatInterval: HEARTBEAT_MS },
    queryOptions: { prepare: true, isIdempotent: true, consistency: driver.types.consistencies.localQuorum },
    encoding: { useBigIntAsLong: true },
  };
}
