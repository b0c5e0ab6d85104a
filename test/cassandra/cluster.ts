import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { auth, Client, types } from 'cassandra-driver';
import { distribution } from './jars.ts';
import { CassandraNode } from './node.ts';
import { tokensOf } from './settings.ts';

export const DATA_CENTER = 'dc1';
const SEEN_MS = 120_000;

export interface ClusterOptions {
  /** With logins; the first is cassandra, with the password cassandra. */
  readonly auth?: boolean;
  /** Memory of each node, as Java names it. */
  readonly heap?: string;
  /** Default: one that is free. */
  readonly port?: number;
}

/** Real nodes on 127.0.0.1 and the addresses behind it, the first of them number 0. */
export interface Cluster {
  readonly hosts: readonly string[];
  readonly port: number;
  readonly dataCenter: string;
  readonly version: string;
  /** Connected, with LOCAL_QUORUM; closed with the cluster. */
  client(): Promise<Client>;
  /** SIGKILL is a crash; SIGTERM drains. */
  kill(index: number, signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again with what it had; resolves when every running node is seen as up. */
  start(index: number): Promise<void>;
  /** It hangs: its connections stay open, and nothing is answered. */
  pause(index: number): void;
  resume(index: number): void;
  nodetool(index: number, ...args: readonly string[]): Promise<string>;
  /** Ends all nodes, and removes what they had. */
  remove(): Promise<void>;
}

export async function startCluster(count: 1 | 2 | 3, options: ClusterOptions = {}): Promise<Cluster> {
  const needed = await distribution();
  const folder = await mkdtemp(join(tmpdir(), 'cauce-cassandra-'));
  const hosts = Array.from({ length: count }, (_, index) => `127.0.0.${index + 1}`);
  const ports = { native: options.port ?? (await freePort()), storage: await freePort() };
  const tokens = tokensOf(count);
  const nodes: CassandraNode[] = [];
  for (const [index, address] of hosts.entries()) {
    const node = new CassandraNode(needed, {
      folder: join(folder, `node${index}`),
      address,
      seeds: hosts,
      token: tokens[index] as bigint,
      ports,
      auth: options.auth ?? false,
      heap: options.heap ?? '768m',
      jmx: await freePort(),
      rack: `rack${index}`,
      dataCenter: DATA_CENTER,
    });
    await node.prepare();
    nodes.push(node);
  }
  const cluster = new RunningCluster(folder, nodes, hosts, ports.native, needed.version, options.auth ?? false);
  try {
    await Promise.all(nodes.map((node) => node.start()));
    await cluster.everyNodeIsSeen();
    return cluster;
  } catch (error) {
    await cluster.remove();
    throw error;
  }
}

class RunningCluster implements Cluster {
  readonly dataCenter = DATA_CENTER;
  readonly hosts: readonly string[];
  readonly port: number;
  readonly version: string;
  readonly #folder: string;
  readonly #nodes: readonly CassandraNode[];
  readonly #auth: boolean;
  #client: Promise<Client> | undefined;

  constructor(folder: string, nodes: readonly CassandraNode[], hosts: readonly string[], port: number, version: string, login: boolean) {
    this.#folder = folder;
    this.#nodes = nodes;
    this.#auth = login;
    this.hosts = hosts;
    this.port = port;
    this.version = version;
  }

  client(): Promise<Client> {
    this.#client ??= this.#connect();
    return this.#client;
  }

  async kill(index: number, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#node(index).kill(signal);
  }

  async start(index: number): Promise<void> {
    await this.#node(index).start();
    await this.everyNodeIsSeen();
  }

  pause(index: number): void {
    this.#node(index).signal('SIGSTOP');
  }

  resume(index: number): void {
    this.#node(index).signal('SIGCONT');
  }

  nodetool(index: number, ...args: readonly string[]): Promise<string> {
    return this.#node(index).nodetool(...args);
  }

  async remove(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.then((one) => one.shutdown()).catch(() => undefined); // It may never have been open.
    await Promise.all(this.#nodes.map((node) => node.kill('SIGKILL')));
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Each running node says of every running one that it is up: an open port alone says nothing of the others. */
  async everyNodeIsSeen(): Promise<void> {
    const running = this.#nodes.flatMap((node, index) => (node.runs ? [this.hosts[index] as string] : []));
    const deadline = Date.now() + SEEN_MS;
    for (const host of running) {
      while (!(await this.#sees(host, running))) {
        if (Date.now() > deadline)
          throw new Error(`the node at ${host} does not see all of ${running.join(', ')} after ${SEEN_MS / 1000} s`);
        await sleep(300);
      }
    }
  }

  async #sees(host: string, running: readonly string[]): Promise<boolean> {
    const client = this.#make([host]);
    try {
      await client.connect();
      const { rowLength } = await client.execute('SELECT peer FROM system.peers', [], { prepare: false });
      const hosts = client.hosts.values().filter((one) => one.isUp());
      const up = new Set(hosts.map(({ address }) => address.replace(/:\d+$/, '')));
      return rowLength === this.hosts.length - 1 && running.every((one) => up.has(one));
    } catch {
      return false; // It is starting still; the deadline tells when that lasts too long.
    } finally {
      await client.shutdown();
    }
  }

  async #connect(): Promise<Client> {
    const client = this.#make(this.hosts);
    await client.connect();
    return client;
  }

  #make(hosts: readonly string[]): Client {
    return new Client({
      contactPoints: hosts.map((host) => `${host}:${this.port}`),
      localDataCenter: DATA_CENTER,
      protocolOptions: { port: this.port },
      encoding: { useBigIntAsLong: true },
      queryOptions: { consistency: types.consistencies.localQuorum, prepare: true, isIdempotent: true },
      socketOptions: { readTimeout: 20_000 },
      ...(this.#auth && { authProvider: new auth.PlainTextAuthProvider('cassandra', 'cassandra') }),
    });
  }

  #node(index: number): CassandraNode {
    const node = this.#nodes[index];
    if (!node) throw new Error(`there is no node ${index}`);
    return node;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
