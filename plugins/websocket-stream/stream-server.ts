import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import {
  CauceError,
  dataTypes,
  type Frame,
  type Handler,
  type Log,
  problem,
  RequestError,
  type Services,
} from '../../core/contract/index.ts';
import { type Refusal, refusalOf } from './admission.ts';
import { CLOSE, Client } from './client.ts';
import { Encoder } from './encoder.ts';
import type { Options } from './options.ts';
import { answerOf, refuseUpgrade } from './refuse.ts';
import { readStreamRequest } from './stream-request.ts';

/** Nothing is expected from clients but control frames. */
const MOST_PAYLOAD = 64 * 1024;

/** All clients of one sink instance. */
export class StreamServer implements Handler {
  readonly #agent: Pick<Services, 'follow' | 'sources'>;
  readonly #options: Options;
  readonly #log: Log;
  readonly #encoder = new Encoder();
  readonly #clients = new Set<Client>();
  readonly #sockets: WebSocketServer;
  #heart: NodeJS.Timeout | undefined;
  #stopping = false;

  constructor(agent: Pick<Services, 'follow' | 'sources'>, options: Options, log: Log) {
    this.#agent = agent;
    this.#options = options;
    this.#log = log;
    this.#sockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: MOST_PAYLOAD,
    });
    this.#sockets.on('wsClientError', (error, socket) => {
      refuseUpgrade(socket, {
        problem: problem(400, 'ERR_HANDSHAKE', `no WebSocket handshake: ${error.message}`),
        headers: { 'sec-websocket-version': '13' },
      });
    });
  }

  /** Begins to ping the clients, until `close`. */
  open(): void {
    this.#heart = setInterval(() => {
      for (const client of this.#clients) client.beat();
    }, this.#options.heartbeat);
    this.#heart.unref();
  }

  /** A request that offers no upgrade. */
  request(request: IncomingMessage, response: ServerResponse): void {
    const refusal = refusalOf(request, this.#options.listen) ?? {
      problem: problem(426, 'ERR_UPGRADE_REQUIRED', 'open this with a WebSocket client'),
    };
    const { headers, body } = answerOf(refusal);
    response.writeHead(refusal.problem.status, headers);
    response.end(body);
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const broke = () => socket.destroy();
    socket.on('error', broke);
    const controller = new AbortController();
    const admitted = this.#admit(request, controller.signal);
    if ('problem' in admitted) {
      refuseUpgrade(socket, admitted);
      return;
    }
    let accepted = false;
    this.#sockets.handleUpgrade(request, socket, head, (ws) => {
      accepted = true;
      socket.off('error', broke);
      this.#serve(ws, socket as Socket, admitted.frames, controller);
    });
    if (!accepted) void admitted.frames.return?.();
  }

  /** Says good-bye to all clients and resolves when they are gone, at most two seconds later. */
  async close(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#heart);
    const clients = [...this.#clients];
    for (const client of clients) client.leave(CLOSE.goingAway, 'the agent stops this stream; come back with your position');
    await Promise.all(clients.map((client) => client.closed));
  }

  #admit(request: IncomingMessage, signal: AbortSignal): Refusal | { readonly frames: AsyncIterator<Frame> } {
    const { listen, max_clients: most, policy } = this.#options;
    const refusal = refusalOf(request, listen);
    if (refusal) return refusal;
    if (this.#stopping) return busy('this stream is stopping; come back in a moment');
    if (this.#clients.size >= most) return busy(`there are ${most} clients already, as many as max_clients allows; come back later`);
    const types = dataTypes(this.#agent.sources());
    try {
      const { type, follow } = readStreamRequest(request.url ?? '', types, policy);
      return { frames: this.#agent.follow(type, follow, signal)[Symbol.asyncIterator]() };
    } catch (error) {
      return this.#refusalFor(error, types);
    }
  }

  #refusalFor(error: unknown, types: readonly string[]): Refusal {
    if (error instanceof RequestError) {
      const more = error.parameter === 'type' ? { valid_types: types } : {};
      return { problem: problem(400, error.code, error.message, { parameter: error.parameter, ...more }) };
    }
    this.#log.error('a stream could not be opened', { error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    return busy('the feed cannot be read at present; come back later', error instanceof CauceError ? error.code : undefined);
  }

  #serve(ws: WebSocket, socket: Socket, frames: AsyncIterator<Frame>, controller: AbortController): void {
    const { max_buffer: maxBuffer } = this.#options;
    const client = new Client({ ws, socket, frames, encoder: this.#encoder, maxBuffer, log: this.#log });
    this.#clients.add(client);
    void client.closed.then(() => {
      this.#clients.delete(client);
      controller.abort();
    });
    void client.run();
  }
}

function busy(detail: string, code = 'ERR_BUSY'): Refusal {
  return { problem: problem(503, code, detail), headers: { 'retry-after': '5' } };
}
