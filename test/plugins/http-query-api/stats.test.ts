import { afterEach, expect, test } from 'vitest';
import type { StatsRequest } from '../../../core/contract/index.ts';
import { createQueryEngine } from '../../../core/query/engine.ts';
import type { Member } from '../../../core/query/member.ts';
import { createStats } from '../../../core/query/stats.ts';
import { createEvents } from '../../../core/telemetry/events.ts';
import { answerStats } from '../../../plugins/http-query-api/stats.ts';
import { statsAnswer } from '../../../plugins/http-query-api/stats-schema.ts';
import { keepLog } from '../../core/query/sources.ts';
import { ALL, broken, member, memorySource, openStand, rowsOf, type Stand } from './stand.ts';

let stand: Stand | undefined;
afterEach(async () => {
  await stand?.close();
  stand = undefined;
});

const rows = [
  '{"phase_name":"deployment","decision":"go","duration_seconds":12.50}',
  '{"phase_name":"deployment","decision":"no-go","duration_seconds":7.25,"metadata":{"developer":"=ana"}}',
  '{"phase_name":"testing","decision":"go","duration_seconds":0.1}',
  '{"phase_name":"testing","decision":"go","duration_seconds":0.2}',
  '{"phase_name":null,"decision":"go"}',
];
const dora = member('dora', memorySource('metrics', rowsOf(rows)), 'SQLite (dora_metrics)');

async function open(members: readonly Member[], options = {}): Promise<Stand> {
  const parts = { members: () => members, deadline: 5000, log: keepLog() };
  const stats = createStats({ ...parts, query: createQueryEngine({ ...parts, events: createEvents() }).query });
  stand = await openStand(members, { options, agent: { stats } });
  return stand;
}

const STATS = `/api/data/stats?type=metrics&${ALL}`;

test('answers counts and measures by groups', async () => {
  const { status, headers, json } = await (await open([dora])).get(
    `${STATS}&by=phase_name,decision&measure=avg(duration_seconds)&measure=sum(duration_seconds),p50(duration_seconds)`,
  );
  expect([status, headers['content-type']]).toEqual([200, 'application/json; charset=utf-8']);
  const values = (avg: number | null, sum: number | null, p50: number | null) => ({
    'avg(duration_seconds)': avg,
    'sum(duration_seconds)': sum,
    'p50(duration_seconds)': p50,
  });
  expect(statsAnswer.parse(json())).toEqual({
    query_type: 'metrics',
    source: 'SQLite (dora_metrics)',
    days: 7,
    by: ['phase_name', 'decision'],
    measures: ['avg(duration_seconds)', 'sum(duration_seconds)', 'p50(duration_seconds)'],
    count: 4,
    data: [
      { group: { phase_name: 'testing', decision: 'go' }, count: 2, values: values(0.15, 0.3, expect.closeTo(0.15, 12)) },
      { group: { phase_name: 'deployment', decision: 'go' }, count: 1, values: values(12.5, 12.5, 12.5) },
      { group: { phase_name: 'deployment', decision: 'no-go' }, count: 1, values: values(7.25, 7.25, 7.25) },
      { group: { phase_name: null, decision: 'go' }, count: 1, values: values(null, null, null) },
    ],
    truncated: false,
    sources: [{ name: 'dora', status: 'ok', count: 5, took_ms: expect.any(Number) }],
  });
});

test('answers buckets with their times, as many as are wanted', async () => {
  const { json } = await (await open([dora])).get(`${STATS}&bucket=2s&limit=2&where=decision%3Dgo`);
  expect(statsAnswer.parse(json())).toMatchObject({
    bucket: '2s',
    count: 2,
    truncated: true,
    data: [
      { time: '2025-11-07T12:00:00.000000Z', group: {}, count: 1 },
      { time: '2025-11-07T12:00:02.000000Z', group: {}, count: 2 },
    ],
  });
});

test('answers CSV, with a summary beside it, and nothing that a spreadsheet runs', async () => {
  const { headers, text } = await (await open([dora])).get(
    `${STATS}&by=phase_name,metadata.developer&bucket=1d&measure=max(duration_seconds)&format=csv`,
  );
  expect(headers['content-type']).toBe('text/csv; charset=utf-8; header=present');
  expect(text.split('\r\n')).toEqual([
    'time,phase_name,metadata.developer,count,max(duration_seconds)',
    '2025-11-07T00:00:00.000000Z,testing,,2,0.2',
    "2025-11-07T00:00:00.000000Z,deployment,'=ana,1,7.25",
    '2025-11-07T00:00:00.000000Z,deployment,,1,12.5',
    '2025-11-07T00:00:00.000000Z,,,1,',
    '',
  ]);
  expect(JSON.parse(headers['cauce-summary'] as string)).toMatchObject({ count: 4, truncated: false, sources: [{ name: 'dora' }] });
});

test('says what is wrong with a request, and names the parameter', async () => {
  const { get } = await open([dora], { max_limit: 50 });
  const wrong: [string, string, RegExp][] = [
    ['type', '', /Invalid|missing/],
    ['measure', '&measure=median(x)', /no measure.*avg\(duration_seconds\)/],
    ['measure', '&measure=p101(x)', /no measure/],
    ['measure', '&measure=avg', /no measure/],
    ['measure', '&measure=', /empty/],
    ['by', '&by=a,,b', /empty field/],
    ['by', '&by=', /empty/],
    ['by', `&by=${Array.from({ length: 11 }, (_, index) => `f${index}`).join(',')}`, /at most 10/],
    ['bucket', '&bucket=day', /duration such as 15m/],
    ['bucket', '&bucket=0s', /duration/],
    ['bucket', '&bucket=1d&bucket=2d', /give it once/],
    ['days', '&days=0', /whole number/],
    ['limit', '&limit=51', /1 to 50/],
    ['from', '&from=now&to=-1h', /earlier/],
    ['where', '&where=%3D', /no condition/],
    ['format', '&format=ndjson', /json, csv/],
    ['mesure', '&mesure=avg(x)', /did you mean measure/],
    ['source', '&source=dra', /did you mean dora/],
  ];
  for (const [parameter, text, message] of wrong) {
    const path = parameter === 'type' ? '/api/data/stats' : `/api/data/stats?type=metrics${text}`;
    const { status, json } = await get(path);
    expect({ path, status, ...json() }).toMatchObject({ path, status: 400, parameter, detail: expect.stringMatching(message) });
  }
});

test('says what could not be counted', async () => {
  const partial = await (await open([dora, member('down', broken('metrics', 'connection refused'))])).get(STATS);
  expect(statsAnswer.parse(partial.json())).toMatchObject({
    count: 1,
    note: expect.stringMatching(/partial.*down: connection refused/),
    sources: [{}, { name: 'down', status: 'failed' }],
  });
  await stand?.close();
  const failed = await (await open([member('down', broken('metrics', 'connection refused'))])).get(STATS);
  expect(failed.json()).toMatchObject({ status: 503, code: 'ERR_SOURCES_FAILED', detail: expect.stringContaining('connection refused') });
  await stand?.close();
  const none = await (await open([])).get(STATS);
  expect(statsAnswer.parse(none.json())).toMatchObject({ source: 'none', count: 0, data: [], note: expect.stringContaining('sources:') });
});

test('asks for what the parameters say', async () => {
  let asked: StatsRequest | undefined;
  const agent = {
    sources: () => [],
    stats: async (_type: string, request: StatsRequest) => {
      asked = request;
      return { rows: [], truncated: false, sources: [], notes: [] };
    },
  };
  const options = { default_limit: 1000, max_limit: 10_000 } as Parameters<typeof answerStats>[2];
  const search =
    'type=logs&by=level&by=logger,level&measure=count(a.b)&source=x,y&level=error&from=1970-01-01T00:00:01Z&to=1970-01-01T00:00:02Z';
  await answerStats(search, agent, options, new AbortController().signal);
  expect(asked).toEqual({
    from: 1_000_000,
    to: 2_000_000,
    where: [{ field: 'level', op: '=', value: ['error', 'ERROR', 'Error'] }],
    by: ['level', 'logger'],
    measures: [{ fn: 'count', field: 'a.b' }],
    limit: 1000,
    sources: ['x', 'y'],
  });
});
