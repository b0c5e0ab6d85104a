import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InstanceSettings } from '../config/settings.ts';
import { CauceError, describe } from '../contract/index.ts';
import { Agent } from '../host/agent.ts';
import { readConfiguration } from '../host/configuration.ts';
import { version } from '../host/package.ts';
import { loadPlugin } from '../host/registry.ts';
import { createLog } from '../telemetry/log.ts';
import { nameUncaught } from './uncaught.ts';

/** A way to ask an agent: one that runs already, or one opened for this visit. */
export interface Connection {
  get(path: string, signal?: AbortSignal): Promise<{ status: number; text: string }>;
  /** What `ws` connects to. */
  streamUrl(path: string): string;
  /** What a person is told: where the answers come from. */
  readonly what: string;
  close(): Promise<void>;
}

export const DEFAULT_URL = 'http://127.0.0.1:8000';

/** `--url`, or CAUCE_URL, asks that agent; `--config` opens the sources itself; with neither, a running agent is preferred. */
export async function openConnection(given: { url?: string | undefined; config?: string | undefined }): Promise<Connection> {
  if (given.url) return toUrl(given.url);
  if (given.config) return visit(given.config);
  if (process.env['CAUCE_URL']) return toUrl(process.env['CAUCE_URL']);
  const running = toUrl(DEFAULT_URL);
  const there = await running.get('/-/healthy', AbortSignal.timeout(2000)).then(
    ({ status }) => status === 200,
    () => false,
  );
  return there ? running : visit(undefined);
}

function toUrl(text: string): Connection {
  let url: URL;
  try {
    url = new URL(text);
  } catch (error) {
    throw new CauceError('ERR_USAGE', `--url ${text} is no URL; write it like ${DEFAULT_URL}`, { cause: error });
  }
  if (url.pathname !== '/' || url.search !== '' || url.username !== '')
    throw new CauceError('ERR_USAGE', `--url is scheme, host and port alone, such as ${DEFAULT_URL}`);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new CauceError('ERR_USAGE', `--url must begin with http:// or https://, not ${url.protocol}`);
  return {
    what: `the agent at ${url.origin}`,
    get: (path, signal) =>
      fetchText(
        url.protocol === 'https:' ? httpsRequest : httpRequest,
        { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port, path },
        signal,
      ).catch((error: unknown) => {
        throw new CauceError('ERR_UNREACHABLE', `no agent answers at ${url.origin} (${describe(error)}); start one with: cauce run`, {
          cause: error,
        });
      }),
    streamUrl: (path) => `${url.protocol === 'https:' ? 'wss' : 'ws'}://${url.host}${path}`,
    close: async () => undefined,
  };
}

/** A private agent without sinks of its own, reachable only through a socket in a folder that only this user can enter. */
async function visit(config: string | undefined): Promise<Connection> {
  nameUncaught();
  const settings = await readConfiguration(config);
  const folder = await mkdtemp(join(tmpdir(), 'cauce-'));
  const socketPath = join(folder, 'agent.sock');
  const instances = [
    ...settings.instances.filter(({ kind }) => kind === 'source'),
    await privateSink('visit-api', 'http-query-api', socketPath),
    await privateSink('visit-stream', 'websocket-stream', socketPath),
  ];
  const log = createLog({ level: 'error', console: process.stderr.isTTY ? 'pretty' : 'json' });
  let agent: Agent;
  try {
    agent = await Agent.open({ settings: { ...settings, instances, disabled: [] }, log, version, visit: true });
    await agent.start();
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  return {
    what: `the sources of ${settings.file}`,
    get: (path, signal) => fetchText(httpRequest, { socketPath, path, headers: { host: 'localhost' } }, signal),
    streamUrl: (path) => `ws+unix:${socketPath}:${path}`,
    async close() {
      await agent.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function privateSink(name: string, use: string, socketPath: string): Promise<InstanceSettings> {
  return { kind: 'sink', name, use, options: { listen: `unix:${socketPath}` }, definition: await loadPlugin(use, 'sink', process.cwd()) };
}

function fetchText(request: typeof httpRequest, options: RequestOptions, signal?: AbortSignal): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ ...options, ...(signal && { signal }) }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end();
  });
}
