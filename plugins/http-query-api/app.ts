import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { dataTypes, type Log, type Problem, type Services } from '../../core/contract/index.ts';
import { answerQuery, type QueryServices } from './answer.ts';
import { docsPage } from './docs-page.ts';
import { problemOf } from './faults.ts';
import { PAGE_POLICY } from './html.ts';
import { landingPage } from './landing-page.ts';
import { openApi } from './openapi.ts';
import type { Options } from './options.ts';
import { noSuchRoute } from './routes.ts';
import type { Running } from './running.ts';
import { readiness, sourceStates } from './state.ts';

interface Parts {
  readonly agent: QueryServices & Pick<Services, 'status' | 'metrics'>;
  readonly options: Options;
  readonly log: Log;
  readonly running: Running;
}

/** The routes. The instance never listens: its `routing` is called with the requests of the shared listener. */
export function createApp({ agent, options, log, running }: Parts): FastifyInstance {
  const failed = (error: unknown, reply: FastifyReply) => sendProblem(reply, problemOf(error, dataTypes(agent.sources()), log));
  const app = fastify({
    logger: false,
    return503OnClosing: false,
    // Parameters are read from the URL as it came, by the parser that the command line and the stream share.
    routerOptions: { ignoreTrailingSlash: true, querystringParser: () => ({}) },
    frameworkErrors: (error, _request, reply) => void failed(error, reply),
  });
  app.setErrorHandler((error, _request, reply) => failed(error, reply));
  app.setNotFoundHandler((request, reply) => sendProblem(reply, noSuchRoute(request.raw.url ?? '/')));

  app.get('/api/data/query', async (request, reply) => {
    const signal = running.begin(reply.raw);
    try {
      const { headers, body } = await answerQuery(queryOf(request.raw.url), agent, options, signal);
      return reply.headers(headers).send(body);
    } catch (error) {
      if (reply.raw.destroyed) return reply.hijack();
      throw signal.aborted ? signal.reason : error;
    }
  });
  app.get('/api/data/sources', () => {
    const sources = sourceStates(agent);
    return { count: sources.length, sources };
  });
  app.get('/openapi.json', () => openApi(dataTypes(agent.sources())));
  app.get('/docs', (request, reply) => sendPage(reply, docsPage(dataTypes(agent.sources()), request.headers.host ?? options.listen)));
  app.get('/', (_request, reply) => sendPage(reply, landingPage(agent)));
  app.get('/-/healthy', () => ({ status: 'ok' }));
  app.get('/-/ready', () => readiness(agent));
  app.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await agent.metrics();
    return reply.header('content-type', contentType).send(text);
  });
  return app;
}

function sendPage(reply: FastifyReply, html: string): FastifyReply {
  return reply.headers({ 'content-type': 'text/html; charset=utf-8', 'content-security-policy': PAGE_POLICY }).send(html);
}

function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply
    .status(problem.status)
    .header('content-type', 'application/problem+json')
    .send(Buffer.from(JSON.stringify(problem)));
}

function queryOf(url = ''): string {
  const at = url.indexOf('?');
  return at < 0 ? '' : url.slice(at + 1);
}
