import type { IncomingMessage } from 'node:http';
import { isLoopback, mayAsk, type Problem, problem } from '../../core/contract/index.ts';

export const STREAM_PATH = '/api/data/stream';

export interface Refusal {
  readonly problem: Problem;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Why this request cannot become a stream, before its parameters are looked at; `undefined` when it can. */
export function refusalOf(request: IncomingMessage, listen: string): Refusal | undefined {
  const { method, url = '', headers } = request;
  const path = url.split('?', 1)[0] as string;
  if (!mayAsk(listen, headers.host)) {
    const detail = `this agent listens on ${listen} and answers only to localhost, 127.0.0.1 or [::1], not to ${headers.host}; to serve other names, listen on another address`;
    return { problem: problem(403, 'ERR_HOST', detail) };
  }
  if (path !== STREAM_PATH && path !== `${STREAM_PATH}/`) {
    return { problem: problem(404, 'ERR_NOT_FOUND', `nothing is served at ${path.slice(0, 200)}; the stream is at ${STREAM_PATH}`) };
  }
  if (method !== 'GET') {
    return { problem: problem(405, 'ERR_METHOD', `${method} is not possible here; open a WebSocket with GET`), headers: { allow: 'GET' } };
  }
  if (headers.upgrade?.toLowerCase() !== 'websocket') {
    return {
      problem: problem(
        426,
        'ERR_UPGRADE_REQUIRED',
        `this is a WebSocket; open ws://${headers.host ?? listen}${STREAM_PATH}?type=logs with a WebSocket client`,
      ),
      headers: { upgrade: 'websocket' },
    };
  }
  if (headers.origin !== undefined && !isSameOrigin(headers.origin, headers.host)) {
    const detail = `a page of ${headers.origin} may not open this stream: its host is not ${headers.host}; behind a proxy, let it pass the Host header on`;
    return { problem: problem(403, 'ERR_ORIGIN', detail) };
  }
  return undefined;
}

/** Whether a page of this origin was served by this host; the names of the loopback address count as one. */
export function isSameOrigin(origin: string, host: string | undefined): boolean {
  if (!/^https?:\/\//.test(origin) || !URL.canParse(origin)) return false;
  const page = new URL(origin);
  const asked = `${page.protocol}//${host}`;
  if (!URL.canParse(asked)) return false;
  const here = new URL(asked);
  return page.host === here.host || (page.port === here.port && isLoopback(page.hostname) && isLoopback(here.hostname));
}
