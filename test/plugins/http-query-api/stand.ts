import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { memoryState } from '../../../core/conformance/stand.ts';
import {
  type Draft,
  draft,
  type JsonObject,
  type Log,
  type Micros,
  now,
  parseTimestamp,
  type Services,
  type Source,
} from '../../../core/contract/index.ts';
import { vocabularyOptions } from '../../../core/dora/vocabulary.ts';
import { buildServices } from '../../../core/host/services.ts';
import { createListeners } from '../../../core/http/listeners.ts';
import type { Member } from '../../../core/query/member.ts';
import { createEvents } from '../../../core/telemetry/events.ts';
import plugin from '../../../plugins/http-query-api/index.ts';

interface Logged {
  readonly text: string;
  readonly fields: JsonObject;
}

export interface Stand {
  readonly base: string;
  readonly port: number;
  /** What the plugin logged as errors. */
  readonly errors: Logged[];
  readonly sink: ReturnType<typeof plugin.create>;
  get(path: string, init?: { method?: string; headers?: Record<string, string> }): Promise<Got>;
  close(): Promise<void>;
}

interface Got {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers are checked by their schemas and by what a test expects of them
  json(): any;
}

/** The plugin on a real listener, over the real query engine and sources in memory. */
export async function openStand(
  members: readonly Member[],
  given: { options?: JsonObject; agent?: Partial<Services>; deadline?: number; listen?: string } = {},
): Promise<Stand> {
  const errors: Logged[] = [];
  const log: Log = { debug() {}, info() {}, warn() {}, error: (text, fields = {}) => void errors.push({ text, fields }) };
  const listeners = createListeners(log);
  const listen = given.listen ?? '127.0.0.1:0';
  const { services, feed } = buildServices({
    members: () => members,
    listeners,
    events: createEvents(),
    deadline: given.deadline ?? 5000,
    vocabulary: vocabularyOptions.parse({}),
    catalog: { expects: () => ({}), owner: () => null, flows: () => [] },
    retention: {
      report: async () => ({ schedule: null, next: null, policies: [], last: null }),
      apply: async ({ dryRun }) => ({ time: now(), dry_run: dryRun, results: [] }),
    },
    log: () => log,
    status: () =>
      members.map(({ name, source, error }) => ({
        kind: 'source',
        name,
        use: 'memory',
        state: source ? 'running' : 'failed',
        restarts: 0,
        ...(error !== undefined && { error }),
      })),
    metrics: async () => ({ contentType: 'text/plain; version=0.0.4; charset=utf-8', text: 'cauce_up 1\n' }),
  });
  const agent: Services = { ...services, state: memoryState(), ...given.agent };
  const controller = new AbortController();
  const options = plugin.options.parse({ listen, ...given.options });
  const sink = plugin.create({ id: 'api', host: 'test', options, log, signal: controller.signal, agent });
  await sink.start?.(controller.signal);
  const port = Number(listeners.address(listen)?.split(':').at(-1));
  return {
    base: `http://127.0.0.1:${port}`,
    port,
    errors,
    sink,
    get: (path, init = {}) => get(port, path, init),
    async close() {
      controller.abort();
      await sink.stop?.();
      await listeners.close();
      await feed.close();
    },
  };
}

/** `fetch` would neither send a `Host` of the test's choosing nor an odd path. */
function get(port: number, path: string, init: { method?: string; headers?: Record<string, string> }): Promise<Got> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, path, method: init.method ?? 'GET', headers: init.headers ?? {}, agent: false });
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: () => JSON.parse(text) });
      });
    });
    request.end();
  });
}

const NOON = parseTimestamp('2025-11-07T12:00:00Z') as Micros;
/** Covers {@link NOON} whatever the date is now. */
export const ALL = 'from=2025-01-01T00:00:00Z';

/** One row a second from noon on, as its source wrote it. */
export function rowsOf(texts: readonly string[]): Draft[] {
  return texts.map((json, index) => ({ id: `row-${String(index).padStart(6, '0')}`, time: NOON + index * 1_000_000, json }));
}

export function member(name: string, source: Source, label = name): Member {
  return { name, type: source.type, label, mirror: false, source };
}

export function memorySource(type: string, drafts: readonly Draft[]): Source {
  return {
    type,
    query: {
      async *run() {
        yield drafts;
      },
    },
  };
}

export function healthSource(body: JsonObject, time: Micros): Source {
  return {
    type: 'health',
    latest: async () => [draft(body, { time })],
    query: {
      async *run() {
        yield [draft(body, { time: NOON })];
      },
    },
  };
}

export function broken(type: string, message: string): Source {
  const fail = async (): Promise<never> => {
    throw new Error(message);
  };
  return {
    type,
    latest: fail,
    query: {
      // biome-ignore lint/correctness/useYield: it fails before it could
      async *run() {
        throw new Error(message);
      },
    },
  };
}
