import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import type { Argv } from 'yargs';
import { CauceError, type JsonObject, type Positions } from '../contract/index.ts';
import { pc } from './colours.ts';
import { type Connection, openConnection } from './connection.ts';
import { refusal } from './refusal.ts';
import { logLine, printable, statusText } from './render.ts';
import { addTargetOptions, selectionOptions, toParameters } from './selection.ts';

interface Frame {
  readonly event?: string;
  readonly type?: string;
  readonly source: string;
  readonly lane: string;
  readonly cursor: string;
  readonly data: JsonObject;
  readonly position?: Positions;
  readonly missing?: readonly { source: string; reason: string }[];
  readonly count?: number;
  readonly until?: Record<string, string>;
  readonly reason?: string;
}

type Folded = Record<string, Record<string, string>>;

export const tail = {
  command: 'tail <type>',
  describe: 'Watch logs, metrics or health as they come',
  builder: (yargs: Argv) =>
    addTargetOptions(yargs)
      .positional('type', { type: 'string', demandOption: true, describe: 'metrics, logs, health, or a type of a plugin' })
      .options(selectionOptions)
      .options({ json: { type: 'boolean', describe: 'each frame as it is, a line each' } }),
  handler: async (args: Record<string, unknown>): Promise<void> => {
    const connection = await openConnection(args);
    const ended = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ended.abort());
    process.stdout.on('error', () => ended.abort());
    try {
      await follow(connection, toParameters(args, []), Boolean(args['json']), ended.signal);
    } finally {
      await connection.close();
    }
    process.exitCode = 130;
  },
};

/** Reconnects for ever, each time from where it was. */
async function follow(connection: Connection, parameters: URLSearchParams, json: boolean, signal: AbortSignal): Promise<void> {
  const position: Folded = {};
  for (let failures = 0; !signal.aborted; failures++) {
    const resuming = Object.keys(position).length > 0;
    if (resuming) parameters.set('after', Buffer.from(JSON.stringify(position)).toString('base64url'));
    const reason = await connect(connection.streamUrl(`/api/data/stream?${parameters}`), resuming, signal, (text) => {
      failures = 0;
      show(text, position, json);
    });
    if (signal.aborted) return;
    console.error(pc.yellow(`${printable(reason)}; connecting again`));
    const delay = Math.min(250 * 2 ** failures, 10_000) * (0.5 + Math.random() / 2);
    await sleep(delay, undefined, { signal }).catch(() => undefined);
  }
}

/** Resolves to why the connection ended; rejects when the agent refuses the request itself, at first. */
function connect(url: string, resuming: boolean, signal: AbortSignal, received: (text: string) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    const stop = () => socket.close();
    signal.addEventListener('abort', stop, { once: true });
    let failure = '';
    socket.on('message', (data) => received(String(data)));
    socket.on('error', (error) => {
      failure = error.message || 'the connection failed';
    });
    socket.on('unexpected-response', (_request, response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += String(chunk);
      });
      response.on('end', () => {
        signal.removeEventListener('abort', stop);
        // A sink that is being replaced is absent for a moment; a request that was right once stays right.
        if (!resuming && (response.statusCode ?? 500) < 500) reject(new CauceError('ERR_STREAM', refusal(response.statusCode ?? 0, text)));
        else resolve(refusal(response.statusCode ?? 0, text));
      });
    });
    socket.on('close', (code, reason) => {
      signal.removeEventListener('abort', stop);
      resolve(failure || `the stream closed (${code}${reason.length > 0 ? ` ${reason}` : ''})`);
    });
  });
}

function show(text: string, position: Folded, json: boolean): void {
  const frame = JSON.parse(text) as Frame;
  if (json) console.log(text);
  if (frame.event === undefined) {
    const lanes = position[frame.source] ?? {};
    position[frame.source] = lanes;
    lanes[frame.lane] = frame.cursor;
    if (!json) console.log(entryLine(frame));
    return;
  }
  if (frame.position) for (const [source, lanes] of Object.entries(frame.position)) position[source] = { ...lanes };
  if (frame.event === 'gap') position[frame.source] = { ...frame.until };
  if (!json) explain(frame);
}

function entryLine({ type, source, data }: Frame): string {
  if (type === 'logs') return logLine(data);
  if (type === 'health')
    return `${pc.dim(source)} ${statusText(String(data['status']))} ${printable(JSON.stringify(data['checks'] ?? {}))}`;
  return `${pc.dim(source)} ${printable(JSON.stringify(data))}`;
}

function explain(frame: Frame): void {
  for (const { source, reason } of frame.missing ?? []) console.error(pc.yellow(`${source}: ${printable(reason)}`));
  if (frame.event === 'gap') console.error(pc.yellow(`${frame.source}: ${frame.count} entries were skipped, this reader was too slow`));
  if (frame.event === 'lost') console.error(pc.red(`${frame.source}: lost: ${printable(frame.reason ?? '')}`));
}
