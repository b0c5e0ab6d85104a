import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { describe, type Frame, type Log, RequestError } from '../../core/contract/index.ts';
import type { Encoder } from './encoder.ts';

/** Pings that a client may leave unanswered. */
const PATIENCE = 2;
/** Frames that are sent without letting others have their turn. */
const BURST = 64;
const LONGEST_REASON = 120;
/** Milliseconds that a client has to answer a close. */
const CLOSE_TIMEOUT = 2000;

/** RFC 6455, 7.4.1, and IANA's registry of close codes. */
export const CLOSE = { goingAway: 1001, policy: 1008, failed: 1011, tryAgain: 1013 } as const;

export interface ClientParts {
  readonly ws: WebSocket;
  /** The connection below `ws`. */
  readonly socket: Socket;
  readonly frames: AsyncIterator<Frame, unknown>;
  readonly encoder: Encoder;
  readonly maxBuffer: number;
  readonly log: Log;
}

/** One connection: takes a frame from the feed only when there is room for it, so that nothing queues up here. */
export class Client {
  readonly #parts: ClientParts;
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>;
  #leaving = false;
  #corked = false;
  #unanswered = 0;
  #flushed = 0;

  constructor(parts: ClientParts) {
    this.#parts = parts;
    const { ws, maxBuffer, log } = parts;
    this.closed = new Promise((resolve) => ws.once('close', () => resolve()));
    ws.on('error', (error) => log.debug('a stream broke', { error: describe(error) }));
    ws.on('message', () => this.leave(CLOSE.policy, 'this stream takes no messages; what to send is chosen by the URL'));
    ws.on('pong', () => {
      this.#unanswered = 0;
    });
    // Answers to pings queue up like entries do.
    ws.on('ping', () => {
      if (ws.bufferedAmount > 2 * maxBuffer) ws.terminate();
    });
  }

  /** Sends frames until the feed or the connection ends. */
  async run(): Promise<void> {
    const { ws, frames, encoder, log } = this.#parts;
    try {
      for (let sent = 1; ; sent++) {
        const { done, value } = await frames.next();
        if (this.#leaving || ws.readyState !== ws.OPEN) return;
        if (done) break;
        await this.#send(encoder.encode(value));
        if (sent % BURST === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      this.leave(CLOSE.tryAgain, 'the feed ended; come back with your position');
    } catch (error) {
      if (error instanceof RequestError) return this.leave(CLOSE.policy, error.message);
      log.error('a stream failed', { error: describe(error) });
      this.leave(CLOSE.failed, 'the feed failed; come back with your position');
    }
  }

  /** Says why, then closes; a client that does not answer the close within two seconds is cut. */
  leave(code: number, reason: string): void {
    const { ws } = this.#parts;
    if (this.#leaving || ws.readyState !== ws.OPEN) return;
    this.#leaving = true;
    const cut = setTimeout(() => ws.terminate(), CLOSE_TIMEOUT);
    void this.closed.then(() => clearTimeout(cut));
    ws.send(JSON.stringify({ event: 'bye', reason }));
    ws.close(
      code,
      Buffer.from(reason)
        .subarray(0, LONGEST_REASON)
        .toString()
        .replace(/\ufffd+$/, ''),
    );
  }

  /** Pings; cuts a client that answered none of the last ones and took none of what waits for it. */
  beat(): void {
    const { ws, socket } = this.#parts;
    const flushed = socket.bytesWritten - socket.writableLength;
    const takes = socket.writableLength > 0 && flushed > this.#flushed;
    this.#flushed = flushed;
    if (this.#unanswered >= PATIENCE && !takes) {
      ws.terminate();
      return;
    }
    this.#unanswered++;
    ws.ping();
  }

  /** Resolves at once while there is room, else when this frame has left. */
  #send(frame: Buffer): Promise<void> | undefined {
    const { ws, maxBuffer } = this.#parts;
    if (this.#leaving) return undefined;
    this.#cork();
    if (ws.bufferedAmount + frame.length < maxBuffer) {
      ws.send(frame, { binary: false });
      return undefined;
    }
    return new Promise((resolve) => ws.send(frame, { binary: false }, () => resolve()));
  }

  /** Frames of one turn leave in one write. */
  #cork(): void {
    if (this.#corked) return;
    const { socket } = this.#parts;
    this.#corked = true;
    socket.cork();
    setImmediate(() => {
      this.#corked = false;
      socket.uncork();
    });
  }
}
