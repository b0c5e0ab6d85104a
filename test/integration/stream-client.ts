import { WebSocket } from 'ws';

type Positions = Record<string, Record<string, string>>;

export interface StreamFrame {
  readonly event?: string;
  readonly source: string;
  readonly lane: string;
  readonly cursor: string;
  readonly position?: Positions;
  readonly reason?: string;
  readonly data: Record<string, unknown>;
}

/** A client that does what the protocol asks: folds cursors into a position, and resumes from it after any break. */
export class StreamClient {
  readonly entries: StreamFrame[] = [];
  readonly lost: StreamFrame[] = [];
  position: Positions | undefined;
  caughtUp = 0;
  connections = 0;
  #socket: WebSocket | undefined;
  #ended = false;
  readonly #url: () => string | undefined;
  readonly #type: string;

  /** `url` answers where the agent is now, or undefined while it is nowhere. */
  constructor(url: () => string | undefined, type = 'logs') {
    this.#url = url;
    this.#type = type;
    this.#connect();
  }

  get connected(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  close(): void {
    this.#ended = true;
    this.#socket?.terminate();
  }

  #connect(): void {
    if (this.#ended) return;
    const base = this.#url();
    if (base === undefined) {
      setTimeout(() => this.#connect(), 20);
      return;
    }
    const after = this.position ? `&after=${Buffer.from(JSON.stringify(this.position)).toString('base64url')}` : '';
    const socket = new WebSocket(`${base.replace('http', 'ws')}/api/data/stream?type=${this.#type}&policy=complete${after}`);
    this.#socket = socket;
    this.connections++;
    socket.on('message', (data) => this.#take(JSON.parse(String(data)) as StreamFrame));
    socket.on('error', () => undefined); // followed by close
    socket.on('close', () => setTimeout(() => this.#connect(), 20));
  }

  #take(frame: StreamFrame): void {
    if (frame.position) this.position = structuredClone(frame.position);
    if (frame.event === 'caught-up') this.caughtUp++;
    if (frame.event === 'lost') this.lost.push(frame);
    if (frame.event !== undefined) return;
    this.entries.push(frame);
    const position: Positions = this.position ?? {};
    this.position = position;
    position[frame.source] = { ...position[frame.source], [frame.lane]: frame.cursor };
  }
}
