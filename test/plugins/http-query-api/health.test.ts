import { afterEach, describe, expect, test } from 'vitest';
import { type Entry, type JsonObject, now, type Page } from '../../../core/contract/index.ts';
import { mergeHealth } from '../../../plugins/http-query-api/health.ts';
import { healthAnswer, rowsAnswer } from '../../../plugins/http-query-api/schemas.ts';
import { broken, healthSource, member, openStand, type Stand } from './stand.ts';

function pageOf(results: readonly (readonly [source: string, body: JsonObject, time?: number])[]): Page {
  const entries = results.map(
    ([source, body, time = 0]): Entry => ({ id: source, time, json: JSON.stringify(body), body, type: 'health', source }),
  );
  return { entries, sources: [], notes: [] };
}

describe('merging', () => {
  test('the worst status wins: critical, warning, unknown, ok', () => {
    const statuses = (...all: string[]) => mergeHealth(pageOf(all.map((status, i) => [`s${i}`, { status }])), 0).status;
    expect(statuses('ok', 'ok')).toBe('ok');
    expect(statuses('ok', 'unknown')).toBe('unknown');
    expect(statuses('unknown', 'warning')).toBe('warning');
    expect(statuses('warning', 'critical', 'ok')).toBe('critical');
    expect(statuses('healthy')).toBe('unknown');
    expect(statuses()).toBe('unknown');
  });

  test('a check that several scripts know gets the name of its script, and none is lost', () => {
    const page = pageOf([
      ['a', { status: 'ok', checks: { disk: 'ok', only: 'ok', ['__proto__']: 'ok' } }],
      ['b', { status: 'warning', checks: { disk: 'warning', ['a.disk']: 'critical', odd: 5 } }],
    ]);
    const { checks } = mergeHealth(page, 0);
    expect(Object.entries(checks)).toEqual([
      ['a.disk', 'ok'],
      ['only', 'ok'],
      ['__proto__', 'ok'],
      ['b.disk', 'warning'],
      ['b.a.disk', 'critical'],
      ['odd', 'unknown'],
    ]);
  });

  test('details stand under the name of their source, with their age', () => {
    const page = pageOf([
      ['a', { status: 'ok', details: { exit_code: 0 } }, 10e6],
      ['b', { status: 'ok', details: 'none' }, 4e6],
      ['b', { status: 'ok' }, 12e6],
    ]);
    expect(mergeHealth(page, 14.5e6)).toMatchObject({
      details: {
        a: { exit_code: 0, status: 'ok', age_seconds: 4.5 },
        b: { status: 'ok', age_seconds: 10.5 },
        'b.2': { status: 'ok', age_seconds: 2.5 },
      },
      age_seconds: 10.5,
    });
  });
});

describe('type=health', () => {
  let stand: Stand;
  afterEach(() => stand.close());

  const machine = member(
    'machine',
    healthSource({ status: 'critical', checks: { disk: 'critical', cpu: 'ok' }, details: { exit_code: 1 } }, now()),
    'health_check.sh',
  );

  test('is 200 when something is unhealthy', async () => {
    stand = await openStand([machine]);
    const { status, json } = await stand.get('/api/data/query?type=health&days=7');
    expect(status).toBe(200);
    expect(healthAnswer.parse(json())).toMatchObject({
      query_type: 'health',
      source: 'health_check.sh',
      count: 2,
      data: { status: 'critical', checks: { disk: 'critical', cpu: 'ok' }, details: { machine: { exit_code: 1 } } },
    });
  });

  test('names a script that failed', async () => {
    stand = await openStand([
      member('fine', healthSource({ status: 'ok', checks: {} }, now())),
      member('down', broken('health', 'no such command')),
    ]);
    const answer = healthAnswer.parse((await stand.get('/api/data/query?type=health')).json());
    expect(answer.data).toMatchObject({ status: 'unknown', details: { down: { status: 'unknown', error: 'no such command' } } });
    expect(answer.note).toContain('no such command');
  });

  test('is a 503 when every script failed, and says so when there is none', async () => {
    stand = await openStand([member('down', broken('health', 'no such command'))]);
    expect((await stand.get('/api/data/query?type=health')).json()).toMatchObject({
      status: 503,
      error: expect.stringContaining('no such command'),
    });
    await stand.close();
    stand = await openStand([]);
    const answer = healthAnswer.parse((await stand.get('/api/data/query?type=health')).json());
    expect(answer).toMatchObject({ source: 'none', count: 0, data: { status: 'unknown' }, note: expect.stringContaining('sources:') });
  });

  test('answers the history on demand', async () => {
    stand = await openStand([machine]);
    const answer = rowsAnswer.parse((await stand.get('/api/data/query?type=health&history=1&days=36500')).json());
    expect(answer).toMatchObject({ count: 1, data: [{ status: 'critical' }], days: 36500 });
  });

  test('lists what each script says as NDJSON', async () => {
    stand = await openStand([machine]);
    const { text } = await stand.get('/api/data/query?type=health&format=ndjson');
    expect(text.split('\n').map((line) => line && Object.keys(JSON.parse(line)))).toEqual([
      ['status', 'checks', 'details'],
      ['summary'],
      '',
    ]);
  });
});
