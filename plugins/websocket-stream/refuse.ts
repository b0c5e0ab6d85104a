import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Refusal } from './admission.ts';

/** The headers and body of a refusal, the same on a response and on a bare socket. */
export function answerOf({ problem, headers }: Refusal): { headers: Record<string, string>; body: string } {
  const body = JSON.stringify(problem);
  return {
    body,
    headers: {
      'content-type': 'application/problem+json',
      'content-length': String(Buffer.byteLength(body)),
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      connection: headers?.['upgrade'] ? 'close, upgrade' : 'close',
      ...headers,
    },
  };
}

/** Answers an upgrade request with a whole HTTP/1.1 response instead, and ends its socket. */
export function refuseUpgrade(socket: Duplex, refusal: Refusal): void {
  const { headers, body } = answerOf(refusal);
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const { status } = refusal.problem;
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head.join('')}\r\n${body}`);
}
