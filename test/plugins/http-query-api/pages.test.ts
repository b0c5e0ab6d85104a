import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { now, queryParameters } from '../../../core/contract/index.ts';
import { EXAMPLES, hrefOf } from '../../../plugins/http-query-api/examples.ts';
import { ROUTES } from '../../../plugins/http-query-api/routes.ts';
import { healthyAnswer, readyAnswer, sourcesAnswer } from '../../../plugins/http-query-api/schemas.ts';
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
  test.each(EXAMPLES.filter((example) => !hrefOf(example).includes('metrics')).map((example) => [example.title, hrefOf(example)]))(
    'the example "%s" works and is shown',
    async (_title, href) => {
      expect((await stand.get(href)).status).toBe(200);
      expect((await stand.get('/docs')).text).toContain(`href="${href.replaceAll('&', '&amp;')}"`);
    },
  );

  test('a documented query of a source that is down is a 503 that says why', async () => {
    const metrics = EXAMPLES.map(hrefOf).find((href) => href.includes('metrics')) as string;
    expect((await stand.get(metrics)).json()).toMatchObject({ status: 503, error: expect.stringContaining('no password') });
  });

  test('every parameter is explained', async () => {
    const { text } = await stand.get('/docs');
    for (const name of Object.keys(queryParameters.shape)) expect(text).toContain(`<code>${name}</code>`);
    expect(text).toContain('<code>traces</code>');
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
