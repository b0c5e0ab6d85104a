import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { vi } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import {
  type Draft,
  type JsonObject,
  type Log,
  oneLane,
  type Positions,
  type Services,
  type Source,
  type Step,
} from '../../../core/contract/index.ts';
import { createFeed } from '../../../core/feed/feed.ts';
import { createListeners } from '../../../core/http/listeners.ts';
import type { Member } from '../../../core/query/member.ts';
import { createEvents } from '../../../core/telemetry/events.ts';
import plugin from '../../../plugins/websocket-stream/index.ts';

const PATH = '/api/data/stream';
const HANDSHAKE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

export interface Stand {
  readonly port: number;
  readonly errors: string[];
  /** The server's side of the connections, in the order in which they came. */
  readonly connections: Duplex[];
  /** Opens a stream; `search` is the query string. */
  connect(search: string, options?: ClientOptions): Reader;
  /** What a bare socket is answered until the server closes it or switches to the WebSocket protocol. */
  raw(text: string): Promise<string>;
  /** The same for a well-formed upgrade request. */
  handshake(search: string, headers?: string): Promise<string>;
  stop(): Promise<void>;
  close(): Promise<void>;
}

/** The plugin on a real listener, over the real feed and sources in memory. */
export async function openStand(
  members: readonly Member[],
  given: { options?: JsonObject; agent?: Partial<Services>; listen?: string } = {},
): Promise<Stand> {
  const errors: string[] = [];
  const connections: Duplex[] = [];
  const log: Log = { debug() {}, info() {}, warn() {}, error: (text) => void errors.push(text) };
  const listeners = createListeners(log);
  const listen = given.listen ?? '127.0.0.1:0';
  const feed = createFeed({ members: () => members, events: createEvents(), log });
  const agent = {
    follow: feed.follow,
    sources: () => members.map(({ name, type = 'logs', label, mirror }) => ({ name, type, label, mirror, facets: [] })),
    http: {
      mount: (address, prefix, handler) =>
        listeners.mount(address, prefix, {
          request: (request, response) => handler.request(request, response),
          upgrade(request, socket, head) {
            connections.push(socket);
            handler.upgrade?.(request, socket, head);
          },
        }),
    },
    ...given.agent,
  } as Services;
  const controller = new AbortController();
  const options = plugin.options.parse({ listen, ...given.options });
  const sink = plugin.create({ id: 'stream', host: 'test', options, log, signal: controller.signal, agent });
  await sink.start?.(controller.signal);
  const port = Number(listeners.address(listen)?.split(':').at(-1));
  const readers: Reader[] = [];
  const sockets: Socket[] = [];
  const raw = async (text: string) => {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    let got = '';
    const switched = new Promise<void>((resolve) => {
      socket.on('data', (chunk) => {
        got += chunk.toString('latin1');
        if (got.startsWith('HTTP/1.1 101')) resolve();
      });
    });
    socket.on('error', () => undefined);
    socket.write(text);
    await Promise.race([once(socket, 'close'), switched]);
    socket.destroy();
    return got;
  };
  return {
    port,
    errors,
    connections,
    raw,
    handshake: (search, headers = '') => raw(`GET ${PATH}${search} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${HANDSHAKE}${headers}\r\n`),
    connect(search, clientOptions) {
      const reader = new Reader(`ws://127.0.0.1:${port}${PATH}?${search}`, clientOptions);
      readers.push(reader);
      return reader;
    },
    stop: async () => {
      controller.abort();
      await sink.stop?.();
    },
    async close() {
      controller.abort();
      for (const reader of readers) reader.socket.terminate();
      for (const socket of sockets) socket.destroy();
      await sink.stop?.();
      await feed.close();
      await listeners.close();
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: frames are checked by what a test expects of them
type Got = any;

/** A client that keeps what it got. */
class Reader {
  readonly socket: WebSocket;
  readonly texts: string[] = [];
  readonly frames: Got[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;

  constructor(url: string, options?: ClientOptions) {
    this.socket = new WebSocket(url, options);
    this.socket.on('error', () => undefined);
    this.socket.on('message', (data, binary) => {
      const text = String(data);
      this.texts.push(text);
      this.frames.push(binary ? { binary: text } : JSON.parse(text));
    });
    this.closed = new Promise((resolve) => this.socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })));
  }

  get entries(): Got[] {
    return this.frames.filter((frame) => 'data' in frame);
  }

  events(name: string): Got[] {
    return this.frames.filter((frame) => frame.event === name);
  }

  /** Waits for what must come. */
  async until(wanted: () => boolean): Promise<void> {
    await vi.waitFor(
      () => {
        if (!wanted()) throw new Error(`not yet; the last frames are ${this.texts.slice(-3).join(' ').slice(0, 500)}`);
      },
      { timeout: 15_000, interval: 10 },
    );
  }

  async live(): Promise<this> {
    await this.until(() => this.events('caught-up').length > 0);
    return this;
  }

  /** `after` for a stream that goes on where this one is, folded as the README says. */
  get after(): string {
    const position: Record<string, Record<string, string>> = {};
    for (const frame of this.frames) {
      if (frame.event === 'hello' || frame.event === 'caught-up') merge(position, frame.position);
      if ('data' in frame) merge(position, { [frame.source]: { [frame.lane]: frame.cursor } });
      if (frame.event === 'gap') merge(position, { [frame.source]: frame.until });
    }
    return encodePosition(position);
  }
}

export function encodePosition(position: unknown): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

function merge(into: Record<string, Record<string, string>>, from: Positions): void {
  for (const [source, lanes] of Object.entries(from)) into[source] = { ...into[source], ...lanes };
}

export interface Live {
  readonly member: Member;
  /** Writes an entry. */
  push(...texts: string[]): void;
}

/** A source with one lane whose entries a test writes; a cursor is the number of entries before it. */
export function live(name: string, type = 'logs'): Live {
  const written: Draft[] = [];
  let wake: () => void = () => undefined;
  let more = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const source: Source = {
    type,
    follow: oneLane({
      replay: 'exact',
      end: async () => String(written.length),
      async *read(after, signal) {
        const aborted = once(signal, 'abort');
        let at = Number(after);
        while (!signal.aborted) {
          const next = more;
          const steps = written.slice(at, at + 256).map((entry, index): Step => ({ entry, cursor: String(at + index + 1) }));
          at += steps.length;
          if (steps.length > 0) yield steps;
          else await Promise.race([next, aborted]);
        }
      },
    }),
  };
  return {
    member: { name, type, label: name, mirror: false, source },
    push(...texts) {
      for (const json of texts) written.push({ id: `${name}-${written.length}`, time: written.length, json });
      const woken = wake;
      more = new Promise<void>((resolve) => {
        wake = resolve;
      });
      woken();
    },
  };
}
