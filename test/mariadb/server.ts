import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createConnection } from 'mysql2/promise';
import { describe } from 'vitest';

const given = process.env['CAUCE_TEST_MYSQL_URL'];
const programs = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/local/sbin'];
const serverProgram = programs.map((folder) => join(folder, 'mariadbd')).find((path) => existsSync(path));
const installProgram = programs.map((folder) => join(folder, 'mariadb-install-db')).find((path) => existsSync(path));
const installed = serverProgram !== undefined && installProgram !== undefined;
const HOW = 'install it with: apt-get install mariadb-server, or set CAUCE_TEST_MYSQL_URL=mysql://user:password@host:port';

/** Tests that need a database. Without a server they are left out on a person's machine, and fail where CI=true. */
export const describeWithMariaDb = given || installed || process.env['CI'] === 'true' ? describe : describe.skip;
/** For tests that stop the server, or start it in a way of their own; a given one is not ours to stop. */
export const describeWithOwnMariaDb = installed || process.env['CI'] === 'true' ? describe : describe.skip;
if (!given && !installed) console.warn(`MariaDB is not installed, so its tests are left out; ${HOW}`);

export interface MariaDb {
  /** With the administrator's rights, and an empty database of this test's own. */
  readonly url: string;
  readonly port: number;
  readonly database: string;
  // biome-ignore lint/suspicious/noExplicitAny: a row is what the statement makes it
  query(sql: string, values?: readonly unknown[]): Promise<any[]>;
  /** Ends the server process: SIGTERM lets it finish, SIGKILL does not. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port, with other arguments when they are given. */
  restart(args?: readonly string[]): Promise<void>;
  remove(): Promise<void>;
}

/** A private server, or a new database on the given one when no arguments are asked for. */
export async function startMariaDb(args: readonly string[] = []): Promise<MariaDb> {
  if (given && args.length === 0) return onGivenServer(given);
  return startOwnMariaDb(args);
}

/** A private server, with a data directory below the system's temporary folder and a port of its own. */
export async function startOwnMariaDb(args: readonly string[] = []): Promise<MariaDb> {
  if (!installed) throw new Error(`MariaDB is not installed; ${HOW}`);
  // Another process may take the port before the server does, and a script of the distribution may stumble on a busy machine.
  return begin(args).catch(() => begin(args));
}

async function begin(args: readonly string[]): Promise<MariaDb> {
  const folder = await mkdtemp(join(tmpdir(), 'cauce-db-'));
  const data = join(folder, 'data');
  await mkdir(data);
  const user = process.getuid?.() === 0 ? ['--user=root'] : [];
  await install(folder, data, user);
  const server = new Server(folder, data, await freePort(), user, args);
  await server.start();
  const url = `mysql://root@127.0.0.1:${server.port}/cauce_test`;
  await run(url.replace('/cauce_test', ''), 'CREATE DATABASE cauce_test CHARACTER SET utf8mb4');
  return {
    url,
    port: server.port,
    database: 'cauce_test',
    query: (sql, values) => run(url, sql, values),
    stop: (signal) => server.stop(signal),
    restart: (other) => server.restart(other),
    async remove() {
      await server.stop('SIGKILL');
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function install(folder: string, data: string, user: readonly string[]): Promise<void> {
  const args = [
    '--no-defaults',
    `--datadir=${data}`,
    // Several that are installed at a time would take away each other's temporary tables.
    `--tmpdir=${folder}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    ...user,
  ];
  try {
    await promisify(execFile)(installProgram as string, args);
  } catch (error) {
    throw new Error(`mariadb-install-db failed:\n${(error as { stdout?: string }).stdout}`, { cause: error });
  }
}

const SMALL = [
  '--innodb-buffer-pool-size=32M',
  '--innodb-log-file-size=16M',
  '--innodb-flush-log-at-trx-commit=2',
  '--key-buffer-size=1M',
  '--aria-pagecache-buffer-size=1M',
  '--performance-schema=OFF',
  '--skip-log-bin',
  '--skip-name-resolve',
  '--bind-address=127.0.0.1',
  '--skip-networking=0',
];

class Server {
  readonly port: number;
  readonly #folder: string;
  readonly #fixed: readonly string[];
  #args: readonly string[];
  #process: ChildProcess | undefined;
  #guard: ChildProcess | undefined;

  constructor(folder: string, data: string, port: number, user: readonly string[], args: readonly string[]) {
    this.port = port;
    this.#folder = folder;
    const files = ['socket', 'pid-file', 'log-error'].map((name) => `--${name}=${join(folder, name)}`);
    this.#fixed = ['--no-defaults', `--datadir=${data}`, `--tmpdir=${folder}`, `--port=${port}`, ...files, ...SMALL, ...user];
    this.#args = args;
  }

  async start(): Promise<void> {
    const child = spawn(serverProgram as string, [...this.#fixed, ...this.#args], { stdio: 'ignore' });
    this.#process = child;
    this.#guard = guard(child.pid as number, this.#folder);
    for (let tries = 0; tries < 600; tries++) {
      if (child.exitCode !== null) throw new Error(`mariadbd ended with ${child.exitCode}:\n${await this.#log()}`);
      if (await accepts(this.port)) return;
      await sleep(25);
    }
    throw new Error(`mariadbd does not answer:\n${await this.#log()}`);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    this.#guard?.kill('SIGKILL');
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  async restart(args = this.#args): Promise<void> {
    await this.stop();
    this.#args = args;
    await this.start();
  }

  async #log(): Promise<string> {
    return (await readFile(join(this.#folder, 'log-error'), 'utf8').catch(() => '')).split('\n').slice(-20).join('\n');
  }
}

/** However this process ends, also by SIGKILL, its end of the pipe closes; no server and no folder are left behind then. */
function guard(pid: number, folder: string): ChildProcess {
  const child = spawn('sh', ['-c', 'read _; kill -9 "$1"; sleep 1; rm -rf "$2"', 'sh', String(pid), folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  child.unref();
  return child;
}

/** A refused login is an answer as well: the server is there. */
async function accepts(port: number): Promise<boolean> {
  try {
    await (await createConnection({ host: '127.0.0.1', port, user: 'root' })).end();
    return true;
  } catch (error) {
    return !['ECONNREFUSED', 'ECONNRESET', 'PROTOCOL_CONNECTION_LOST'].includes((error as NodeJS.ErrnoException).code ?? '');
  }
}

async function onGivenServer(server: string): Promise<MariaDb> {
  const database = `cauce_test_${randomBytes(6).toString('hex')}`;
  const whole = new URL(server);
  await run(server, `CREATE DATABASE ${database} CHARACTER SET utf8mb4`);
  whole.pathname = `/${database}`;
  const refused = () => Promise.reject(new Error('the server of CAUCE_TEST_MYSQL_URL is not ours to stop'));
  return {
    url: whole.href,
    port: Number(whole.port || 3306),
    database,
    query: (sql, values) => run(whole.href, sql, values),
    stop: refused,
    restart: refused,
    remove: async () => void (await run(server, `DROP DATABASE ${database}`)),
  };
}

// biome-ignore lint/suspicious/noExplicitAny: a row is what the statement makes it
async function run(uri: string, sql: string, values: readonly unknown[] = []): Promise<any[]> {
  const connection = await createConnection({ uri, multipleStatements: true, timezone: 'Z', supportBigNumbers: true, dateStrings: true });
  try {
    const [rows] = await connection.query(sql, [...values]);
    return Array.isArray(rows) ? rows : [rows];
  } finally {
    await connection.end();
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}
