import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { type Handler, mayAsk, type Problem, problem } from '../../core/contract/index.ts';
import { findRoute, methodsOf, noSuchRoute } from './routes.ts';

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
  function answer(request: IncomingMessage, response: ServerResponse, refusal = refuse(listen, request, response)): void {
    for (const [name, value] of SECURITY_HEADERS) response.setHeader(name, value);
    if (!refusal) {
      app.routing(request, response);
      return;
    }
    response.writeHead(refusal.status, { 'content-type': 'application/problem+json' });
    response.end(JSON.stringify(refusal));
  }

  return {
    request: (request, response) => answer(request, response),
    // A client that offers another protocol (`curl --http2`, Java's HttpClient) is answered in this one, as RFC 9110 7.8 allows.
    upgrade(request: IncomingMessage, socket: Duplex) {
      socket.on('error', () => socket.destroy());
      const response = new ServerResponse(request);
      response.shouldKeepAlive = false;
      response.assignSocket(socket as Parameters<ServerResponse['assignSocket']>[0]);
      response.once('finish', () => socket.end());
      answer(request, response, refuse(listen, request, response) ?? refuseBody(request));
    },
  };
}

function refuse(listen: string, request: IncomingMessage, response: ServerResponse): Problem | undefined {
  const { host } = request.headers;
  if (!mayAsk(listen, host)) {
    const detail = `this agent listens on ${listen} and answers only to localhost, 127.0.0.1 or [::1], not to ${host}; to serve other names, listen on another address`;
    return problem(403, 'ERR_HOST', detail);
  }
  const { method, url = '/' } = request;
  const route = findRoute(url);
  // What is wrong with a path that is none, fastify says.
  if (!route) return method === 'GET' || method === 'HEAD' ? undefined : noSuchRoute(url);
  const methods = methodsOf(route);
  if (methods.includes(method ?? '')) return undefined;
  response.setHeader('allow', methods.join(', '));
  return problem(405, 'ERR_METHOD', `${method} is not possible here; use ${methods[0]}`);
}

/** Node hands over the socket of a request that offers another protocol before it reads the body. */
function refuseBody({ method }: IncomingMessage): Problem | undefined {
  if (method === 'GET' || method === 'HEAD') return undefined;
  return problem(400, 'ERR_UPGRADE', `send a ${method} without the header Upgrade, e.g. by curl --http1.1`);
}
