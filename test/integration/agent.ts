import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { vi } from 'vitest';

export const repository = resolve(import.meta.dirname, '../..');
export const cli = join(repository, 'dist/core/cli/main.js');

/** A folder of its own, gone after the test. */
export async function scratch(): Promise<{ folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'cauce-it-'));
  return { folder, remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }) };
}

export interface RunningAgent {
  readonly process: ChildProcess;
  readonly url: string;
  /** Everything that it logged, a line each. */
  readonly logged: string[];
  kill(signal: NodeJS.Signals): Promise<number | null>;
}

/** Starts the built agent as a process of its own and waits until it serves. */
export async function startAgent(folder: string, config: string, env: NodeJS.ProcessEnv = {}): Promise<RunningAgent> {
  const child = spawn(process.execPath, [cli, 'run', '--config', config], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const logged: string[] = [];
  createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => logged.push(line));
  let listen: string | undefined;
  try {
    await vi.waitFor(
      () => {
        if (child.exitCode !== null) throw new Error('it ended');
        const lines = logged.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Record<string, string>);
        listen = lines.find(({ message }) => message === 'listening')?.['listen'];
        if (listen === undefined || !lines.some(({ message }) => message === 'started')) throw new Error('it does not serve yet');
      },
      { timeout: 20_000, interval: 25 },
    );
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(`the agent did not start:\n${logged.join('\n')}`, { cause: error });
  }
  return {
    process: child,
    url: `http://${listen}`,
    logged,
    async kill(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
      return child.exitCode;
    },
  };
}

/** Writes a configuration with an API and a stream on a free port, and the sources given as YAML. */
export async function writeConfig(folder: string, sources: string, port = 0): Promise<string> {
  const file = join(folder, 'cauce.yaml');
  const indented = sources.replace(/^/gm, '  ');
  await writeFile(
    file,
    `agent: { state: ./var, log: { level: info } }\nsources:\n${indented}\nsinks:\n  api: { use: http-query-api, listen: "127.0.0.1:${port}" }\n  stream: { use: websocket-stream, listen: "127.0.0.1:${port}" }\n`,
  );
  return file;
}

// biome-ignore lint/suspicious/noExplicitAny: the shape of an answer is what the tests assert
export async function getJson(url: string): Promise<{ status: number; body: any }> {
  const response = await fetch(url);
  return { status: response.status, body: await response.json() };
}

/** Runs a command of the built CLI to its end. */
export async function runCli(
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [cli, ...args], { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  await once(child, 'close');
  return { code: child.exitCode, stdout, stderr };
}

/** Lines are an hour old, so that a query of the last days has them. */
const BEGAN = Date.now() - 3_600_000;
let sequence = 0;

/** A log line as the first system's writers make it; microseconds are left out when they are zero. */
export function logLine(message: string, more: Record<string, unknown> = {}): string {
  const time = new Date(BEGAN + sequence * 10).toISOString().replace('Z', `${String(sequence++ % 1000).padStart(3, '0')}Z`);
  return `${JSON.stringify({ timestamp: time, level: 'INFO', logger: 'test', message, ...more })}\n`;
}
