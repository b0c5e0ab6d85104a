import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type InstanceInfo, type Micros, now, parseTimestamp, queryParameters } from '../../../core/contract/index.ts';
import { doraParameters } from '../../../plugins/http-query-api/dora-schema.ts';
import { EXAMPLES, examplesOf, hrefOf, RECORD_EXAMPLE } from '../../../plugins/http-query-api/examples.ts';
import { escapeHtml } from '../../../plugins/http-query-api/html.ts';
import { recordBody, recordParameters } from '../../../plugins/http-query-api/record-schema.ts';
import { ROUTES } from '../../../plugins/http-query-api/routes.ts';
import { healthyAnswer, readyAnswer, sourcesAnswer } from '../../../plugins/http-query-api/schemas.ts';
import { statsParameters } from '../../../plugins/http-query-api/stats-schema.ts';
import { healthSource, member, memorySource, openStand, rowsOf, type Stand } from './stand.ts';

let stand: Stand;
beforeAll(async () => {
  stand = await openStand([
    member('app', memorySource('logs', rowsOf(['{"n":1}']))),
    member('<b>', memorySource('traces', [])),
    member('health', healthSource({ status: 'ok', checks: { disk: 'ok' } }, now())),
    { name: 'dora', type: 'metrics', label: 'MySQL', mirror: false, error: 'no password' },
  ]);
});
afterAll(() => stand.close());

describe('documentation', () => {
  const needsMetrics = (example: (typeof EXAMPLES)[number]) => /metrics|dora/.test(hrefOf(example));
  test.each(EXAMPLES.filter((example) => !needsMetrics(example)).map((example) => [example.title, hrefOf(example)]))(
    'the example "%s" works and is shown',
    async (_title, href) => {
      expect((await stand.get(href)).status).toBe(200);
      expect((await stand.get('/docs')).text).toContain(`href="${escapeHtml(href)}"`);
    },
  );

  test.each(EXAMPLES.filter(needsMetrics).map((example) => [example.title, hrefOf(example)]))(
    'the example "%s" is shown, works, and of a source that is down is a 503 that says why',
    async (_title, href) => {
      expect((await stand.get('/docs')).text).toContain(`href="${escapeHtml(href)}"`);
      expect((await stand.get(href)).json()).toMatchObject({ status: 503, error: expect.stringContaining('no password') });
      const working = await openStand([member('dora', memorySource('metrics', rowsOf([JSON.stringify(RECORD_EXAMPLE)])))]);
      expect((await working.get(href)).status).toBe(200);
      await working.close();
    },
  );

  test('each route with parameters of its own has an example', () => {
    expect(examplesOf('/api/data/stats')).toHaveLength(1);
    expect(examplesOf('/api/data/dora')).toHaveLength(1);
  });

  test('every parameter is explained', async () => {
    const { text } = await stand.get('/docs');
    const [query = '', stats = '', dora = '', record = ''] = text.split(/<h2 id="[a-z]+">/);
    const parts: [string, object][] = [
      [query, queryParameters.shape],
      [stats, statsParameters.shape],
      [dora, doraParameters.shape],
      [record, { ...recordParameters.shape, ...recordBody.shape, 'Idempotency-Key': '' }],
    ];
    for (const [part, shape] of parts) for (const name of Object.keys(shape)) expect(part).toContain(`<code>${name}</code>`);
    expect(query).toContain('<code>traces</code>');
  });

  test('every route is listed, and what is sent to record a row', async () => {
    const { text } = await stand.get('/docs');
    for (const { path, summary } of ROUTES.filter((route) => route.path !== '/docs')) {
      expect(text).toContain(`${path}</code>`);
      expect(text).toContain(`<td>${escapeHtml(summary)}</td>`);
    }
    expect(text).toContain(escapeHtml(JSON.stringify(RECORD_EXAMPLE)));
  });

  test.each(['/', '/docs'])('%s loads nothing, runs nothing and escapes what it shows', async (path) => {
    const { text, headers } = await stand.get(path);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(text).not.toMatch(/<script|<link|<img|src=|javascript:|<b>/);
    expect(headers['content-security-policy']).toMatch(/style-src 'sha256-[\w+/]+=*';.*frame-ancestors 'none'/);
  });

  test('every link of the landing page leads somewhere', async () => {
    const { text } = await stand.get('/');
    expect(text).toContain('Not running: dora');
    const links = [...text.matchAll(/href="([^"]+)"/g)].map((match) => (match[1] as string).replaceAll('&amp;', '&'));
    expect(links.length).toBeGreaterThan(8);
    for (const link of links) expect([200, 503]).toContain((await stand.get(link)).status);
  });
});

describe('/openapi.json', () => {
  test('describes every route and parameter, and all its references lead somewhere', async () => {
    const { text, json } = await stand.get('/openapi.json');
    const document = json();
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths)).toEqual(ROUTES.map((route) => route.path));
    const { parameters } = document.paths['/api/data/query'].get;
    expect(parameters.map((parameter: { name: string }) => parameter.name)).toEqual(Object.keys(queryParameters.shape));
    expect(parameters[0]).toMatchObject({ name: 'type', required: true, schema: { enum: ['metrics', 'logs', 'health', 'traces'] } });
    for (const [, name] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g))
      expect(document.components.schemas).toHaveProperty(name as string);
    expect(text).not.toMatch(/#\/(?!components)/);
  });

  test('describes what each route may answer, in which formats and with which headers', async () => {
    const { paths } = (await stand.get('/openapi.json')).json();
    const answers = (path: string) => (paths[path].get ?? paths[path].post).responses;
    const statuses = (path: string) => Object.keys(answers(path)).map(Number);
    for (const path of ['/api/data/query', '/api/data/stats', '/api/data/dora']) expect(statuses(path)).toEqual([200, 400, 503, 504]);
    for (const path of ['/api/data/catalog', '/api/data/retention']) expect(statuses(path)).toEqual([200, 400]);
    expect(Object.keys(answers('/api/data/stats')[200].content)).toEqual(['application/json', 'text/csv']);
    const headers = (path: string, status: number) => Object.keys(answers(path)[status].headers ?? {});
    expect(headers('/api/data/query', 200)).toEqual(['cauce-summary']);
    expect(headers('/api/data/stats', 200)).toEqual(['cauce-summary']);
    expect(headers('/api/data/metrics', 201)).toEqual(['location', 'idempotency-replayed']);
    expect(headers('/api/data/metrics', 401)).toEqual(['www-authenticate']);
    expect(headers('/api/data/metrics', 415)).toEqual(['accept', 'accept-encoding']);
  });
});

describe('state', () => {
  test('/-/healthy', async () => {
    expect(healthyAnswer.parse((await stand.get('/-/healthy')).json())).toEqual({ status: 'ok' });
  });

  test('/-/ready is 200 and names what does not run', async () => {
    const { status, json } = await stand.get('/-/ready');
    expect(status).toBe(200);
    const answer = readyAnswer.parse(json());
    expect(answer).toMatchObject({ ready: 'degraded', not_ready: ['dora'] });
    expect(answer.instances.find((instance) => instance.name === 'dora')).toMatchObject({ state: 'failed', error: 'no password' });
  });

  test('/-/ready tells how far each delivery is, and takes a sink whose store is down for ready', async () => {
    const since = parseTimestamp('2025-11-07T12:00:00Z') as Micros;
    const ship: InstanceInfo = {
      kind: 'sink',
      name: 'ship',
      use: 'writer',
      state: 'running',
      restarts: 0,
      circuitOpen: true,
      deliveries: [
        { source: 'app', state: 'waiting', lagSeconds: 12.5, pending: 5000, error: 'refused', since, nextTry: since + 30e6 },
        { source: 'other', state: 'current', lagSeconds: 0, pending: 0 },
      ],
    };
    const other = await openStand([], { agent: { status: () => [ship] } });
    const answer = readyAnswer.parse((await other.get('/-/ready')).json());
    await other.close();
    expect(answer).toMatchObject({ ready: true, not_ready: [] });
    expect(answer.instances[0]).toEqual({
      kind: 'sink',
      name: 'ship',
      use: 'writer',
      state: 'running',
      restarts: 0,
      circuit: 'open',
      deliveries: [
        {
          source: 'app',
          state: 'waiting',
          lag_seconds: 12.5,
          pending: 5000,
          error: 'refused',
          since: '2025-11-07T12:00:00.000000Z',
          next_try: '2025-11-07T12:00:30.000000Z',
        },
        { source: 'other', state: 'current', lag_seconds: 0, pending: 0 },
      ],
    });
  });

  test('/api/data/sources', async () => {
    const answer = sourcesAnswer.parse((await stand.get('/api/data/sources')).json());
    expect(answer.count).toBe(4);
    expect(answer.sources[3]).toMatchObject({ name: 'dora', label: 'MySQL', state: 'failed', error: 'no password' });
  });

  test('/metrics', async () => {
    const { headers, text } = await stand.get('/metrics');
    expect([headers['content-type'], text]).toEqual(['text/plain; version=0.0.4; charset=utf-8', 'cauce_up 1\n']);
  });
});
