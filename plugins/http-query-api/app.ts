import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { dataTypes, type Log, type Problem, type Services } from '../../core/contract/index.ts';
import { type Answer, answerQuery, type QueryServices } from './answer.ts';
import { answerCatalog } from './catalog.ts';
import { docsPage } from './docs-page.ts';
import { answerDora } from './dora.ts';
import { problemOf, Refusal } from './faults.ts';
import { PAGE_POLICY } from './html.ts';
import { landingPage } from './landing-page.ts';
import { openApi } from './openapi.ts';
import type { Options } from './options.ts';
import { createRecorder, LARGEST_BODY } from './record.ts';
import { answerRetention } from './retention.ts';
import { noSuchRoute } from './routes.ts';
import type { Running } from './running.ts';
import { readiness, sourceStates } from './state.ts';
import { answerStats } from './stats.ts';

interface Parts {
  readonly agent: QueryServices & Pick<Services, 'stats' | 'append' | 'dora' | 'catalog' | 'retention' | 'status' | 'metrics' | 'state'>;
  readonly options: Options;
  readonly log: Log;
  readonly running: Running;
}

/** The routes. The instance never listens: its `routing` is called with the requests of the shared listener. */
export function createApp({ agent, options, log, running }: Parts): FastifyInstance {
  const failed = (error: unknown, reply: FastifyReply) =>
    sendProblem(error instanceof Refusal ? reply.headers(error.headers) : reply, problemOf(error, dataTypes(agent.sources()), log));
  const app = fastify({
    logger: false,
    return503OnClosing: false,
    // Parameters are read from the URL as it came, by the parser that the command line and the stream share.
    routerOptions: { ignoreTrailingSlash: true, querystringParser: () => ({}) },
    frameworkErrors: (error, _request, reply) => void failed(error, reply),
  });
  app.setErrorHandler((error, _request, reply) => failed(error, reply));
  app.setNotFoundHandler((request, reply) => sendProblem(reply, noSuchRoute(request.raw.url ?? '/')));

  const answering =
    (answer: (search: string, signal: AbortSignal, request: FastifyRequest) => Promise<Answer>) =>
    async (request: FastifyRequest, reply: FastifyReply) => {
      const signal = running.begin(reply.raw);
      try {
        const { status = 200, headers, body } = await answer(queryOf(request.raw.url), signal, request);
        return reply.status(status).headers(headers).send(body);
      } catch (error) {
        if (reply.raw.destroyed) return reply.hijack();
        throw signal.aborted ? signal.reason : error;
      }
    };
  const serve = (path: string, answer: (search: string, signal: AbortSignal) => Promise<Answer>) => app.get(path, answering(answer));
  serve('/api/data/query', (search, signal) => answerQuery(search, agent, options, signal));
  serve('/api/data/stats', (search, signal) => answerStats(search, agent, options, signal));
  serve('/api/data/dora', (search, signal) => answerDora(search, agent, signal));
  serve('/api/data/catalog', (search, signal) => answerCatalog(search, agent, signal));
  serve('/api/data/retention', (search) => answerRetention(search, agent));
  const recorder = createRecorder({ agent, options, log });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.post(
    '/api/data/metrics',
    { bodyLimit: LARGEST_BODY, onRequest: (request) => recorder.admit(request.headers) },
    answering((search, signal, { headers, body }) => recorder.record({ search, headers, body: body as Buffer }, signal)),
  );
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
