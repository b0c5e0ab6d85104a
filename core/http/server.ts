import { lstat, unlink } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { CauceError, describe, type Handler, type Log, PermanentError, type Probe, problem, RetryableError } from '../contract/index.ts';
import { refuse } from './refuse.ts';

/** A position in a URL takes a line of its own; see `after` of the stream. */
const MAX_HEADER_BYTES = 96 * 1024;

interface Mount {
  readonly prefix: string;
  readonly handler: Handler;
}

/** One bound address; requests go to the handler with the longest prefix, among equals to the one mounted last. */
export class SharedServer {
  readonly #listen: string;
  readonly #mounts: Mount[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Duplex>();

  constructor(listen: string, log: Log) {
    this.#listen = listen;
    this.#server = createServer({
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      keepAliveTimeout: 30_000,
    });
    this.#server.maxConnections = 20_000;
    this.#server.on('request', (request, response) => this.#request(request, response));
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', (error) => log.debug('a connection broke', { error: error.message }));
    });
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      if (error.code === 'HPE_HEADER_OVERFLOW')
        refuse(socket, 431, `the request line and headers exceed ${MAX_HEADER_BYTES / 1024} KiB`, 'ERR_HEADERS');
      else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') refuse(socket, 408, 'the request took too long to arrive', 'ERR_TIMEOUT');
      else refuse(socket, 400, 'this is not a valid HTTP request', 'ERR_HTTP');
    });
  }

  get mounted(): number {
    return this.#mounts.length;
  }

  /** `host:port` as bound (with the real port where 0 was asked for), or `unix:path`. */
  get address(): string {
    const address = this.#server.address() as AddressInfo | string | null;
    if (address === null || typeof address === 'string') return this.#listen;
    return address.family === 'IPv6' ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`;
  }

  async open(): Promise<void> {
    const target = parseListen(this.#listen);
    if ('path' in target) await removeStaleSocket(target.path);
    await listening(this.#server, target, this.#listen);
  }

  add(prefix: string, handler: Handler): () => void {
    const mount = { prefix, handler };
    this.#mounts.push(mount);
    return () => {
      const index = this.#mounts.indexOf(mount);
      if (index >= 0) this.#mounts.splice(index, 1);
    };
  }

  /** Refuses new connections, lets running requests end for `grace` milliseconds, then cuts what is left. */
  async close(grace: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    const timer = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, grace);
    await closed;
    clearTimeout(timer);
  }

  #find(url: string): Handler | undefined {
    const path = url.split('?', 1)[0] ?? '/';
    let best: Mount | undefined;
    for (const mount of this.#mounts) {
      const base = mount.prefix.endsWith('/') ? mount.prefix : `${mount.prefix}/`;
      const matches = path === mount.prefix || path.startsWith(base);
      if (matches && (!best || mount.prefix.length >= best.prefix.length)) best = mount;
    }
    return best?.handler;
  }

  #request(request: IncomingMessage, response: ServerResponse): void {
    const handler = this.#find(request.url ?? '/');
    if (handler) {
      handler.request(request, response);
      return;
    }
    response.writeHead(404, { 'content-type': 'application/problem+json' });
    response.end(JSON.stringify(problem(404, 'ERR_NOT_FOUND', `nothing is served at ${request.url}`)));
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const handler = this.#find(request.url ?? '/');
    if (handler?.upgrade) handler.upgrade(request, socket, head);
    else refuse(socket, 404, `no stream is served at ${request.url}`, 'ERR_NOT_FOUND');
  }
}

/** Whether an address could be listened on; one that is taken may be so by the agent that runs already. */
export async function probeListen(listen: string): Promise<Probe> {
  const target = parseListen(listen);
  if ('path' in target) return { ok: true, detail: `will listen on ${listen}` };
  const server = createServer();
  try {
    await listening(server, target, listen);
    return { ok: true, detail: `can listen on ${listen}` };
  } catch (error) {
    const taken = ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code === 'EADDRINUSE';
    return { ok: taken, detail: taken ? `${listen} is in use, by the running agent or another process` : describe(error) };
  } finally {
    server.close();
  }
}

function listening(server: Server, target: Target, listen: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => reject(listenError(listen, error));
    server.once('error', failed);
    server.listen(target, () => {
      server.off('error', failed);
      resolve();
    });
  });
}

type Target = { readonly host: string; readonly port: number } | { readonly path: string };

function parseListen(listen: string): Target {
  if (listen.startsWith('unix:')) return { path: listen.slice(5) };
  const colon = listen.lastIndexOf(':');
  return { host: listen.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(listen.slice(colon + 1)) };
}

/** A socket file outlives a killed process; it may go only when nobody answers behind it. */
async function removeStaleSocket(path: string): Promise<void> {
  const isSocket = await lstat(path).then(
    (stats) => stats.isSocket(),
    () => false,
  );
  if (!isSocket) return;
  const state = await new Promise<string>((resolve) => {
    const probe = connect(path, () => {
      probe.destroy();
      resolve('alive');
    });
    probe.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'));
  });
  if (state === 'ECONNREFUSED') await unlink(path);
}

function listenError(listen: string, error: NodeJS.ErrnoException): CauceError {
  if (error.code === 'EADDRINUSE') {
    return new RetryableError(`${listen} is in use by another process; stop that one, or change \`listen\``, {
      cause: error,
      code: 'ERR_LISTEN',
    });
  }
  if (error.code === 'EACCES') {
    return new PermanentError(`this user may not listen on ${listen}; ports below 1024 need privileges, or change \`listen\``, {
      cause: error,
    });
  }
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
    return new RetryableError(`this machine has no address ${listen}; change \`listen\``, { cause: error, code: 'ERR_LISTEN' });
  }
  return new CauceError('ERR_LISTEN', `cannot listen on ${listen}`, { cause: error });
}
