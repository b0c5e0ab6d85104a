import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Distribution } from './jars.ts';
import { type NodePlace, settingsOf } from './settings.ts';

const CONF = join(import.meta.dirname, 'conf');
const START_MS = 180_000;
const run = promisify(execFile);

export interface NodeOptions extends NodePlace {
  /** The most of it, as Java names it. */
  readonly heap: string;
  readonly jmx: number;
  readonly rack: string;
  readonly dataCenter: string;
}

/** One Cassandra process with a folder of its own, beside those of its cluster; the folder outlives it. */
export class CassandraNode {
  readonly #distribution: Distribution;
  readonly #options: NodeOptions;
  #process: ChildProcess | undefined;

  constructor(distribution: Distribution, options: NodeOptions) {
    this.#distribution = distribution;
    this.#options = options;
  }

  /** Of its process, while it runs. */
  get pid(): number | undefined {
    return this.runs ? this.#process?.pid : undefined;
  }

  get runs(): boolean {
    return this.#process !== undefined && this.#process.exitCode === null && this.#process.signalCode === null;
  }

  async prepare(): Promise<void> {
    const { folder, dataCenter, rack } = this.#options;
    for (const name of ['conf', 'data', 'commitlog', 'tmp', 'triggers']) await mkdir(join(folder, name), { recursive: true });
    // JSON is YAML as well.
    await writeFile(join(folder, 'conf/cassandra.yaml'), JSON.stringify(settingsOf(this.#options), undefined, 2));
    await writeFile(join(folder, 'conf/cassandra-rackdc.properties'), `dc=${dataCenter}\nrack=${rack}\n`);
    await copyFile(join(CONF, 'logback.xml'), join(folder, 'conf/logback.xml'));
  }

  /** Resolves when it takes connections. */
  async start(): Promise<void> {
    const { folder, address, ports } = this.#options;
    const log = openSync(join(folder, 'system.log'), 'a');
    const child = spawn(this.#distribution.java, this.#args(), {
      cwd: folder,
      stdio: ['ignore', log, log],
      // Each thread would keep an arena of its own.
      env: { ...process.env, MALLOC_ARENA_MAX: '2' },
    });
    closeSync(log);
    this.#process = child;
    const guard = guardOf(child.pid as number, dirname(folder));
    child.once('exit', () => guard.kill('SIGKILL'));
    const deadline = Date.now() + START_MS;
    while (!(await answers(address, ports.native))) {
      if (!this.runs) throw new Error(`the node at ${address} ended as it started:\n${await this.#tail()}`);
      if (Date.now() > deadline)
        throw new Error(`the node at ${address} takes no connection after ${START_MS / 1000} s:\n${await this.#tail()}`);
      await sleep(200);
    }
  }

  /** SIGKILL is a crash; SIGTERM drains. Resolves when the process is gone. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (!child || !this.runs) return;
    const exited = once(child, 'exit');
    child.kill('SIGCONT');
    child.kill(signal);
    await exited;
  }

  /** SIGSTOP: the node hangs, and its connections stay open. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.kill(signal);
  }

  async nodetool(...args: readonly string[]): Promise<string> {
    const { folder, jmx } = this.#options;
    const { java, classpath } = this.#distribution;
    const options = [
      `@${CONF}/jvm17.args`,
      '-Xmx128m',
      `-Duser.home=${folder}`,
      `-Dlogback.configurationFile=file://${CONF}/logback-tools.xml`,
    ];
    const tool = [
      '-cp',
      `${folder}/conf:${classpath}`,
      'org.apache.cassandra.tools.NodeTool',
      '-h',
      '127.0.0.1',
      '-p',
      String(jmx),
      ...args,
    ];
    const { stdout } = await run(java, [...options, ...tool], { maxBuffer: 2 ** 24 });
    return stdout;
  }

  #args(): string[] {
    const { folder, heap, jmx } = this.#options;
    const { classpath, jamm } = this.#distribution;
    const properties = {
      'java.io.tmpdir': `${folder}/tmp`,
      'cassandra-foreground': 'yes',
      'cassandra.config': `file://${folder}/conf/cassandra.yaml`,
      'cassandra.storagedir': folder,
      'cassandra.logdir': folder,
      'cassandra.triggers_dir': `${folder}/triggers`,
      'cassandra-rackdc.properties': `file://${folder}/conf/cassandra-rackdc.properties`,
      'logback.configurationFile': `file://${folder}/conf/logback.xml`,
      'cassandra.jmx.local.port': jmx,
      'com.sun.management.jmxremote.authenticate': false,
      // What it measures itself else, for three seconds where three start at a time.
      'cassandra.memtable.row_overhead_size': 180,
      // Nobody else joins or leaves while it starts.
      'cassandra.skip_wait_for_gossip_to_settle': 0,
      'cassandra.ring_delay_ms': 3000,
      'cassandra.shutdown_announce_in_ms': 500,
      'cassandra.superuser_setup_delay_ms': 0,
      'cassandra.auth_bcrypt_gensalt_log2_rounds': 4,
      'cassandra.system_auth.default_rf': this.#options.seeds.length,
    };
    return [
      `@${CONF}/jvm17.args`,
      `-javaagent:${jamm}`,
      // Cassandra locks what there is at its start into memory; it grows from there.
      '-Xms192m',
      `-Xmx${heap}`,
      '-XX:MaxDirectMemorySize=256m',
      ...Object.entries(properties).map(([name, value]) => `-D${name}=${value}`),
      '-cp',
      `${folder}/conf:${classpath}`,
      'org.apache.cassandra.service.CassandraDaemon',
    ];
  }

  async #tail(): Promise<string> {
    const text = await readFile(join(this.#options.folder, 'system.log'), 'utf8');
    return text.split('\n').slice(-40).join('\n');
  }
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (yes: boolean) => {
      socket.destroy();
      resolve(yes);
    };
    socket.once('connect', () => end(true)).once('error', () => end(false));
  });
}

/** However this process ends, also by SIGKILL, its end of the pipe closes; no node and no folder are left behind then. */
function guardOf(pid: number, folder: string): ChildProcess {
  const script = 'read _; kill -9 "$1"; sleep 1; rm -rf "$2"';
  const guard = spawn('sh', ['-c', script, 'sh', String(pid), folder], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  guard.unref();
  return guard;
}
