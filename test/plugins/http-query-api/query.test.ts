import { afterEach, describe, expect, test } from 'vitest';
import { problemAnswer, rowsAnswer, summaryRecord } from '../../../plugins/http-query-api/schemas.ts';
import { ALL, broken, member, memorySource, openStand, rowsOf, type Stand } from './stand.ts';

let stand: Stand;
afterEach(() => stand.close());

const LOGS = `/api/data/query?type=logs&${ALL}`;
const app = member('app', memorySource('logs', rowsOf(['{"n":1}', '{"n":2}', '{"n":3}'])), 'JSON log file');

describe('rows', () => {
  test('come newest first, with what the first system answered and what is new', async () => {
    stand = await openStand([app]);
    const { status, headers, json } = await stand.get(LOGS);
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('application/json; charset=utf-8');
    expect(rowsAnswer.parse(json())).toEqual({
      query_type: 'logs',
      source: 'JSON log file',
      days: 7,
      count: 3,
      data: [{ n: 3 }, { n: 2 }, { n: 1 }],
      truncated: false,
      sources: [{ name: 'app', status: 'ok', count: 3, took_ms: expect.any(Number) }],
    });
  });

  test.each(['json', 'ndjson'])('are answered byte for byte as %s', async (format) => {
    const odd = [
      '{"id":12345678901234567890,"f":1.0,"e":1e3,"z":-0.0}',
      '{"b":1, "a":2,\t"b":3}',
      '{"text":"\\u0041 ñ € 😀 \\ud800 \\/","nested":{"b":[1.50,{}],"a":null}}',
      '{}',
    ];
    stand = await openStand([member('app', memorySource('logs', rowsOf(odd)))]);
    const { text } = await stand.get(`${LOGS}&order=oldest&format=${format}`);
    expect(text).toContain(format === 'json' ? `"data":[${odd.join(',')}]` : `${odd.join('\n')}\n`);
  });

  test('are paged by a cursor that is bound to its query', async () => {
    stand = await openStand([app]);
    const first = (await stand.get(`${LOGS}&limit=2`)).json();
    expect(first).toMatchObject({ count: 2, truncated: true, data: [{ n: 3 }, { n: 2 }] });
    const next = (await stand.get(`${LOGS}&limit=2&cursor=${first.next_cursor}`)).json();
    expect(next).toMatchObject({ count: 1, truncated: false, data: [{ n: 1 }] });
    expect(next).not.toHaveProperty('next_cursor');
    const other = await stand.get(`${LOGS}&limit=2&order=oldest&cursor=${first.next_cursor}`);
    expect([other.status, other.json().parameter]).toEqual([400, 'cursor']);
  });

  test('obey the conditions', async () => {
    stand = await openStand([app]);
    const { json } = await stand.get(`${LOGS}&where=${encodeURIComponent('n>=2')}&where=${encodeURIComponent('n!=3')}`);
    expect(json().data).toEqual([{ n: 2 }]);
  });

  test('obey the configured limits', async () => {
    stand = await openStand([app], { options: { max_limit: 2 } });
    expect((await stand.get(LOGS)).json()).toMatchObject({ count: 2, truncated: true });
    expect((await stand.get(`${LOGS}&limit=3`)).json()).toMatchObject({ status: 400, parameter: 'limit' });
  });

  test('as NDJSON end with a summary', async () => {
    stand = await openStand([app]);
    const { headers, text } = await stand.get(`${LOGS}&limit=1&format=ndjson`);
    expect(headers['content-type']).toBe('application/x-ndjson; charset=utf-8');
    const lines = text.trimEnd().split('\n');
    expect(lines[0]).toBe('{"n":3}');
    expect(summaryRecord.parse(JSON.parse(lines[1] as string))).toMatchObject({
      summary: { count: 1, truncated: true, next_cursor: expect.any(String) },
    });
  });

  test('as CSV have their summary in a header', async () => {
    stand = await openStand([member('app', memorySource('logs', rowsOf(['{"a":"ñ"}']))), member('ñ', broken('logs', 'disk € gone'))]);
    const { headers, text } = await stand.get(`${LOGS}&format=csv`);
    expect(headers['content-type']).toBe('text/csv; charset=utf-8; header=present');
    expect(text).toBe('a\r\nñ\r\n');
    const summary = JSON.parse(headers['cauce-summary'] as string);
    expect(summaryRecord.parse({ summary })).toMatchObject({ summary: { count: 1, note: expect.stringContaining('disk € gone') } });
  });
});

describe('sources', () => {
  test('that are not configured are said to be so', async () => {
    stand = await openStand([app]);
    const { status, json } = await stand.get('/api/data/query?type=metrics');
    expect(status).toBe(200);
    expect(rowsAnswer.parse(json())).toMatchObject({ source: 'none', count: 0, data: [], note: expect.stringContaining('sources:') });
  });

  test('are merged, each label once', async () => {
    const other = member('other', memorySource('logs', [{ id: 'x', time: rowsOf(['', ''])[1]?.time ?? 0, json: '{"x":1}' }]), 'Cassandra');
    stand = await openStand([app, other, { ...other, name: 'third' }]);
    const answer = rowsAnswer.parse((await stand.get(LOGS)).json());
    expect(answer.source).toBe('JSON log file + Cassandra');
    expect(answer).toMatchObject({ count: 4 });
    expect(answer.sources.find((source) => source.duplicates)?.duplicates).toBe(1);
  });

  test('that mirror others fill in what those have no more, and are named with them', async () => {
    const rows = rowsOf(['{"n":1}', '{"n":2}', '{"n":3}']);
    const kept = member('app', memorySource('logs', rows.slice(1)), 'JSON log file');
    const mirror = { ...member('store', memorySource('logs', rows), 'Cassandra'), mirror: true };
    stand = await openStand([kept, mirror]);
    const answer = rowsAnswer.parse((await stand.get(LOGS)).json());
    expect(answer).toMatchObject({
      source: 'JSON log file + Cassandra',
      count: 3,
      data: [{ n: 3 }, { n: 2 }, { n: 1 }],
      sources: [
        { name: 'app', status: 'ok', count: 2 },
        { name: 'store', status: 'ok', count: 1, duplicates: 2 },
      ],
    });
    const all = rowsAnswer.parse((await stand.get(`${LOGS}&source=store`)).json());
    expect(all).toMatchObject({ source: 'Cassandra', count: 3 });
    expect((await stand.get('/api/data/sources')).json().sources).toMatchObject([{ mirror: false }, { mirror: true }]);
  });

  test('that keep failing are not waited for, and the answer is partial at once', async () => {
    const store = memorySource('logs', []);
    let asked = 0;
    const hung = {
      ...store,
      query: {
        async *run() {
          asked++;
          await new Promise(() => undefined);
        },
      },
    };
    stand = await openStand([app, member('store', hung, 'Cassandra')], { deadline: 50 });
    for (let times = 0; times < 3; times++) await stand.get(LOGS);
    const answer = rowsAnswer.parse((await stand.get(LOGS)).json());
    expect(asked).toBe(3);
    expect(answer).toMatchObject({
      source: 'JSON log file',
      count: 3,
      sources: [
        { name: 'app', status: 'ok' },
        { name: 'store', status: 'timeout', took_ms: 0, retry: expect.any(String) },
      ],
      note: expect.stringMatching(
        /^the answer is partial: store: is not asked: it failed 3 times in a row \(last: gave no answer within 50 ms.*\); it is asked again in \d s$/,
      ),
    });
  });

  test('that fail make the answer partial, and are named', async () => {
    stand = await openStand([app, member('down', broken('logs', 'connection refused'), 'Cassandra')]);
    const { status, json } = await stand.get(LOGS);
    expect(status).toBe(200);
    expect(rowsAnswer.parse(json())).toMatchObject({
      source: 'JSON log file',
      count: 3,
      note: expect.stringMatching(/partial.*down.*connection refused/),
      sources: [
        { name: 'app', status: 'ok' },
        { name: 'down', status: 'failed', error: 'connection refused', retry: expect.any(String) },
      ],
    });
  });

  test('that all fail are a 503 that names each', async () => {
    stand = await openStand([member('a', broken('logs', 'refused')), member('b', broken('logs', 'no such file'))]);
    const { status, headers, json } = await stand.get(LOGS);
    expect([status, headers['content-type']]).toEqual([503, 'application/problem+json']);
    expect(problemAnswer.parse(json())).toMatchObject({
      code: 'ERR_SOURCES_FAILED',
      error: expect.stringMatching(/a: refused; b: no such file/),
    });
    expect(stand.errors).toEqual([]);
  });

  test('that are all too slow are a 504', async () => {
    const hung = {
      type: 'logs',
      query: {
        async *run() {
          await new Promise(() => undefined);
        },
      },
    };
    stand = await openStand([member('slow', hung)], { deadline: 50 });
    expect((await stand.get(LOGS)).json()).toMatchObject({
      status: 504,
      code: 'ERR_SOURCES_TIMEOUT',
      sources: [{ name: 'slow', status: 'timeout' }],
    });
  });
});
