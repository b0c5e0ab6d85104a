import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { auth, Client, type DseClientOptions, policies, types } from 'cassandra-driver';
import { distribution } from './jars.ts';
import { CassandraNode } from './node.ts';
import { freePorts, isFree } from './ports.ts';
import { tokensOf } from './settings.ts';

export const DATA_CENTER = 'dc1';
const SEEN_MS = 120_000;
/** The consistency that needs as many answers as its place says. */
const ANSWERS = [undefined, types.consistencies.one, types.consistencies.two, types.consistencies.three];

export interface ClusterOptions {
  /** With logins; the first is cassandra, with the password cassandra. */
  readonly auth?: boolean;
  /** The most memory of each node's heap, as Java names it; default 768m. */
  readonly heap?: string;
  /** Of all nodes, for clients; default: one that is free. */
  readonly port?: number;
}

/** Real nodes on 127.0.0.1 and the addresses behind it, the first of them number 0. */
export interface Cluster {
  readonly hosts: readonly string[];
  readonly port: number;
  readonly dataCenter: string;
  readonly version: string;
  /** Holds what the nodes keep, and a `system.log` of each in `node0` and so on; gone with the cluster. */
  readonly folder: string;
  /** Of the processes that run. */
  pids(): number[];
  /** Connected, with LOCAL_QUORUM; closed with the cluster. */
  client(): Promise<Client>;
  /** SIGKILL is a crash; SIGTERM drains. */
  kill(index: number, signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again with what it had; resolves when the running nodes and `client()` see every running one as up. */
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
  const hosts = Array.from({ length: count }, (_, index) => `127.0.0.${index + 1}`);
  const [native = 0, storage = 0, ...jmx] = await freePorts(2 + count, hosts);
  const port = options.port ?? native;
  if (!(await isFree(port, hosts))) throw new Error(`port ${port} is taken on ${hosts.join(' or ')}; name another one`);
  const folder = await mkdtemp(join(tmpdir(), 'cauce-cassandra-'));
  const name = basename(folder);
  const tokens = tokensOf(count);
  const nodes = hosts.map(
    (address, index) =>
      new CassandraNode(needed, {
        cluster: name,
        folder: join(folder, `node${index}`),
        address,
        seeds: hosts,
        token: tokens[index] as bigint,
        ports: { native: port, storage },
        auth: options.auth ?? false,
        heap: options.heap ?? '768m',
        jmx: jmx[index] as number,
        rack: `rack${index}`,
        dataCenter: DATA_CENTER,
      }),
  );
  const cluster = new RunningCluster({ folder, name, nodes, hosts, port, version: needed.version, login: options.auth ?? false });
  try {
    await Promise.all(nodes.map((node) => node.prepare()));
    await Promise.all(nodes.map((node) => node.start()));
    await cluster.everyNodeIsSeen();
    return cluster;
  } catch (error) {
    await cluster.remove();
    throw error;
  }
}

interface Parts {
  readonly folder: string;
  readonly name: string;
  readonly nodes: readonly CassandraNode[];
  readonly hosts: readonly string[];
  readonly port: number;
  readonly version: string;
  readonly login: boolean;
}

class RunningCluster implements Cluster {
  readonly dataCenter = DATA_CENTER;
  readonly hosts: readonly string[];
  readonly port: number;
  readonly version: string;
  readonly folder: string;
  readonly #parts: Parts;
  #client: Promise<Client> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.hosts = parts.hosts;
    this.port = parts.port;
    this.version = parts.version;
    this.folder = parts.folder;
  }

  pids(): number[] {
    return this.#parts.nodes.flatMap(({ pid }) => pid ?? []);
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
    await Promise.all(this.#parts.nodes.map((node) => node.kill('SIGKILL')));
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Resolves when each running node hears from every running one, and the client, if there is one, is connected to them again. */
  async everyNodeIsSeen(): Promise<void> {
    const running = this.#parts.nodes.flatMap((node, index) => (node.runs ? [this.hosts[index] as string] : []));
    const deadline = Date.now() + SEEN_MS;
    for (const host of running) await this.#until(deadline, `the node at ${host} to hear from`, running, () => this.#hears(host, running));
    const client = await this.#client;
    if (client) await this.#until(deadline, 'the client to be connected to', running, async () => this.#connected(client, running));
  }

  async #until(deadline: number, what: string, running: readonly string[], check: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await check();
      } catch (error) {
        // It is starting still.
        if (Date.now() > deadline)
          throw new Error(`${SEEN_MS / 1000} s were not enough for ${what} ${running.join(', ')}`, { cause: error });
      }
      await sleep(200);
    }
  }

  /** An open port says nothing of the other nodes; a read that needs an answer of each running one does. All of them keep the logins. */
  async #hears(host: string, running: readonly string[]): Promise<void> {
    const only = new policies.loadBalancing.AllowListPolicy(new policies.loadBalancing.RoundRobinPolicy(), [`${host}:${this.port}`]);
    const client = this.#make([host], { policies: { loadBalancing: only }, socketOptions: { readTimeout: 3000 } });
    try {
      await client.connect();
      const { cluster_name: name } = (await client.execute('SELECT cluster_name FROM system.local')).first();
      if (name !== this.#parts.name) throw new Error(`another cluster, ${name}, answers at ${host}:${this.port}`);
      await client.execute("SELECT role FROM system_auth.roles WHERE role = 'nobody'", [], {
        consistency: ANSWERS[running.length] as number,
      });
    } finally {
      await client.shutdown();
    }
  }

  #connected(client: Client, running: readonly string[]): void {
    const up = new Set(client.hosts.values().flatMap((host) => (host.isUp() ? [host.address] : [])));
    const missing = running.filter((host) => !up.has(`${host}:${this.port}`));
    if (missing.length > 0) throw new Error(`down in the eyes of the client: ${missing.join(', ')}`);
  }

  async #connect(): Promise<Client> {
    const client = this.#make(this.hosts);
    await client.connect();
    return client;
  }

  #make(hosts: readonly string[], options: Partial<DseClientOptions> = {}): Client {
    return new Client({
      contactPoints: hosts.map((host) => `${host}:${this.port}`),
      localDataCenter: DATA_CENTER,
      protocolOptions: { port: this.port },
      encoding: { useBigIntAsLong: true },
      queryOptions: { consistency: types.consistencies.localQuorum, prepare: true, isIdempotent: true },
      socketOptions: { readTimeout: 20_000 },
      ...(this.#parts.login && { authProvider: new auth.PlainTextAuthProvider('cassandra', 'cassandra') }),
      ...options,
    });
  }

  #node(index: number): CassandraNode {
    const node = this.#parts.nodes[index];
    if (!node) throw new Error(`there is no node ${index}`);
    return node;
  }
}
