import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const cli = resolve(import.meta.dirname, '../dist/core/cli/main.js');

export interface BenchAgent {
  readonly url: string;
  /** Resident memory, in MiB. */
  memory(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts the built agent as a process of its own, with these sources and an API on a free port. */
export async function startAgent(sources: Readonly<Record<string, unknown>>, env: NodeJS.ProcessEnv = {}): Promise<BenchAgent> {
  const folder = await mkdtemp(join(tmpdir(), 'cauce-bench-'));
  const config = join(folder, 'cauce.yaml');
  // JSON is YAML.
  await writeFile(
    config,
    JSON.stringify({ agent: { state: join(folder, 'var') }, sources, sinks: { api: { use: 'http-query-api', listen: '127.0.0.1:0' } } }),
  );
  const child = spawn(process.execPath, [cli, 'run', '--config', config], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const url = await new Promise<string>((found, reject) => {
    let listen: string | undefined;
    const said: string[] = [];
    createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => {
      said.push(line);
      if (line.includes('"message":"listening"')) listen = (JSON.parse(line) as { listen: string }).listen;
      if (line.includes('"message":"started"') && listen) found(`http://${listen}`);
    });
    child.once('exit', (code) => reject(new Error(`the agent ended with ${code}:\n${said.join('\n')}`)));
  });
  return {
    url,
    async memory() {
      const text = await (await fetch(`${url}/metrics`)).text();
      return Number(/^process_resident_memory_bytes (\S+)/m.exec(text)?.[1]) / 2 ** 20;
    },
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
