import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InstanceSettings } from '../config/settings.ts';
import { CauceError, describe, type JsonObject } from '../contract/index.ts';
import { loadPlugin } from '../host/registry.ts';
import { openVisit, type Visit } from './visit.ts';

export interface Reply {
  readonly status: number;
  readonly text: string;
}

/** A way to ask an agent: one that runs already, or one opened for this visit. */
export interface Connection {
  get(path: string, signal?: AbortSignal): Promise<Reply>;
  /** Sends JSON. One that was opened for this visit takes it without a token. */
  post(path: string, json: string, headers?: Readonly<Record<string, string>>): Promise<Reply>;
  /** What `ws` connects to. */
  streamUrl(path: string): string;
  /** What a person is told: where the answers come from. */
  readonly what: string;
  close(): Promise<void>;
}

const JSON_BODY = { 'content-type': 'application/json' };

export const DEFAULT_URL = 'http://127.0.0.1:8000';

/**
 * `--url`, or CAUCE_URL, asks that agent; `--config` opens the sources itself; with neither, a running agent is preferred to the
 * sources of the default configuration.
 */
export async function openConnection(args: Record<string, unknown>): Promise<Connection> {
  return (await namedOrRunning(args)) ?? visit(undefined);
}

/** The same without the default configuration: rows written to its sources, by mistake, would be lost. */
export async function openForWriting(args: Record<string, unknown>): Promise<Connection> {
  const connection = await namedOrRunning(args);
  if (connection) return connection;
  const mend = 'name one with --url or CAUCE_URL, or a configuration with --config';
  throw new CauceError('ERR_UNREACHABLE', `no agent answers at ${DEFAULT_URL}; ${mend}`);
}

async function namedOrRunning(args: Record<string, unknown>): Promise<Connection | undefined> {
  const { url, config } = args as { readonly url?: string; readonly config?: string };
  if (url) return toUrl(url);
  if (config) return visit(config);
  if (process.env['CAUCE_URL']) return toUrl(process.env['CAUCE_URL']);
  const running = toUrl(DEFAULT_URL);
  const there = await running.get('/-/healthy', AbortSignal.timeout(2000)).then(
    ({ status }) => status === 200,
    () => false,
  );
  return there ? running : undefined;
}

function toUrl(text: string): Connection {
  let url: URL;
  try {
    url = new URL(text);
  } catch (error) {
    throw new CauceError('ERR_USAGE', `--url is no URL; write it like ${DEFAULT_URL}`, { cause: error });
  }
  if (url.pathname !== '/' || url.search !== '' || url.username !== '')
    throw new CauceError('ERR_USAGE', `--url is scheme, host and port alone, such as ${DEFAULT_URL}`);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new CauceError('ERR_USAGE', `--url must begin with http:// or https://, not ${url.protocol}`);
  const ask = (options: RequestOptions, body?: string) =>
    fetchText(
      url.protocol === 'https:' ? httpsRequest : httpRequest,
      { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port, ...options },
      body,
    ).catch((error: unknown) => {
      throw new CauceError('ERR_UNREACHABLE', `no agent answers at ${url.origin} (${describe(error)}); start one with: cauce run`, {
        cause: error,
      });
    });
  return {
    what: `the agent at ${url.origin}`,
    get: (path, signal) => ask({ path, ...(signal && { signal }) }),
    post: (path, json, headers) => ask({ path, method: 'POST', headers: { ...headers, ...JSON_BODY } }, json),
    streamUrl: (path) => `${url.protocol === 'https:' ? 'wss' : 'ws'}://${url.host}${path}`,
    close: async () => undefined,
  };
}

/** A private agent without sinks of its own, reachable only through a socket in a folder that only this user can enter. */
async function visit(config: string | undefined): Promise<Connection> {
  const folder = await mkdtemp(join(tmpdir(), 'cauce-'));
  const socketPath = join(folder, 'agent.sock');
  const forget = () => rm(folder, { recursive: true, force: true });
  const token = randomBytes(32).toString('base64url');
  let opened: Visit;
  try {
    const sinks = [
      await privateSink('visit-api', 'http-query-api', socketPath, { write_token: token }),
      await privateSink('visit-stream', 'websocket-stream', socketPath),
    ];
    opened = await openVisit(config, sinks);
  } catch (error) {
    await forget();
    throw error;
  }
  const ask = ({ headers, ...options }: RequestOptions, body?: string) =>
    fetchText(httpRequest, { socketPath, ...options, headers: { ...headers, host: 'localhost' } }, body);
  return {
    what: `the sources of ${opened.settings.file}`,
    get: (path, signal) => ask({ path, ...(signal && { signal }) }),
    post: (path, json, headers) =>
      ask({ path, method: 'POST', headers: { ...headers, ...JSON_BODY, authorization: `Bearer ${token}` } }, json),
    streamUrl: (path) => `ws+unix:${socketPath}:${path}`,
    async close() {
      await opened.close();
      await forget();
    },
  };
}

async function privateSink(name: string, use: string, socketPath: string, more: JsonObject = {}): Promise<InstanceSettings> {
  return {
    kind: 'sink',
    name,
    use,
    options: { listen: `unix:${socketPath}`, ...more },
    definition: await loadPlugin(use, 'sink', process.cwd()),
  };
}

function fetchText(request: typeof httpRequest, options: RequestOptions, body?: string): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
