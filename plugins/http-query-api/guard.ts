import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { type Handler, mayAsk, type Problem, problem } from '../../core/contract/index.ts';
import { findRoute, noSuchRoute } from './routes.ts';

/** On every answer; a page replaces the content policy by its own. */
const SECURITY_HEADERS: readonly (readonly [string, string])[] = [
  ['x-content-type-options', 'nosniff'],
  ['x-frame-options', 'DENY'],
  ['referrer-policy', 'no-referrer'],
  ['cross-origin-resource-policy', 'same-origin'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  ['cache-control', 'no-store'],
];

/** What the shared listener calls: refuses what must not reach a route, and hands the rest to fastify, which never listens itself. */
export function createHandler(listen: string, app: FastifyInstance): Handler {
  function answer(request: IncomingMessage, response: ServerResponse): void {
    for (const [name, value] of SECURITY_HEADERS) response.setHeader(name, value);
    const refusal = refuse(listen, request);
    if (!refusal) {
      app.routing(request, response);
      return;
    }
    if (refusal.status === 405) response.setHeader('allow', 'GET, HEAD');
    response.writeHead(refusal.status, { 'content-type': 'application/problem+json' });
    response.end(JSON.stringify(refusal));
  }

  return {
    request: answer,
    // A client that offers another protocol (`curl --http2`, Java's HttpClient) is answered in this one, as RFC 9110 7.8 allows.
    upgrade(request: IncomingMessage, socket: Duplex) {
      socket.on('error', () => socket.destroy());
      const response = new ServerResponse(request);
      response.shouldKeepAlive = false;
      response.assignSocket(socket as Parameters<ServerResponse['assignSocket']>[0]);
      response.once('finish', () => socket.end());
      answer(request, response);
    },
  };
}

function refuse(listen: string, request: IncomingMessage): Problem | undefined {
  const { host } = request.headers;
  if (!mayAsk(listen, host)) {
    const detail = `this agent listens on ${listen} and answers only to localhost, 127.0.0.1 or [::1], not to ${host}; to serve other names, listen on another address`;
    return problem(403, 'ERR_HOST', detail);
  }
  const { method, url = '/' } = request;
  if (method === 'GET' || method === 'HEAD') return undefined;
  return findRoute(url) ? problem(405, 'ERR_METHOD', `${method} is not possible here; use GET`) : noSuchRoute(url);
}
