import { describe, expect, it } from 'vitest';
import { parseTimestamp, RequestError, type Services } from '../../../core/contract/index.ts';
import { createDora } from '../../../core/dora/dora.ts';
import { vocabularyOptions } from '../../../core/dora/vocabulary.ts';
import { answerDora } from '../../../plugins/http-query-api/dora.ts';
import { doraAnswer } from '../../../plugins/http-query-api/dora-schema.ts';
import { metrics } from '../../core/dora/agent.ts';
import { engine, member, never } from '../../core/query/sources.ts';

const DAY = 86_400_000_000;
const at = (text: string) => parseTimestamp(text) as number;
const row = (id: string, phase_name: string, decision: string, time: number) => ({
  id,
  time,
  cycle_id: 'C1',
  feature_id: 'F1',
  phase_name,
  decision,
});
const rows = [
  row('dora.1', 'planning', 'go', at('2025-11-03T08:00:00Z')),
  row('dora.2', 'deployment', 'go', at('2025-11-03T09:30:00Z')),
  row('dora.3', 'incident', 'failed', at('2025-11-04T09:30:00.000001Z')),
];
const WINDOW = 'from=2025-11-03T00:00:00Z&to=2025-11-10T00:00:00Z';

function agent(members: Parameters<typeof engine>[0]): Pick<Services, 'dora'> {
  return { dora: createDora({ query: engine(members).query, vocabulary: vocabularyOptions.parse({}) }) };
}

async function ask(search: string, members: Parameters<typeof engine>[0] = [metrics('dora', rows).member]) {
  const { headers, body } = await answerDora(search, agent(members), never);
  expect(headers['content-type']).toBe('application/json; charset=utf-8');
  return doraAnswer.parse(JSON.parse(body.toString()));
}

function broken(name: string) {
  const run = () => {
    throw new Error('the disk is gone');
  };
  return member(name, { query: { run } }, { type: 'metrics' });
}

describe('GET /api/data/dora', () => {
  it('answers the four keys with the rows behind them', async () => {
    const { keys, ...answer } = await ask(WINDOW);
    expect(answer).toMatchObject({ days: 7, group: 'week', from: '2025-11-03T00:00:00.000000Z', to: '2025-11-10T00:00:00.000000Z' });
    expect(answer).toMatchObject({ source: 'dora', sources: [{ name: 'dora', status: 'ok', count: 3 }] });
    expect(answer.series).toMatchObject([{ time: '2025-11-03T00:00:00.000000Z', deployments: 1, lead_time: 5400 }]);
    expect(keys.deployment_frequency).toMatchObject({ value: 1, unit: 'per week', class: 'high', median: 1, n: 1 });
    expect(keys.change_failure_rate).toMatchObject({ value: 1, unit: 'fraction', class: 'low', n: 1 });
    expect(keys.change_failure_rate.rows).toEqual([
      { ids: ['dora.2', 'dora.3'], time: '2025-11-03T09:30:00.000000Z', cycle_id: 'C1', feature_id: 'F1', failed: true },
    ]);
    expect(keys.time_to_restore).toMatchObject({
      value: null,
      class: 'no data',
      n: 0,
      open: [{ ids: ['dora.3'], time: '2025-11-04T09:30:00.000001Z' }],
    });
  });

  it('counts days back from `to`, and shows as many rows as asked for; what is open is always listed', async () => {
    const { days, from, keys } = await ask('days=2&to=2025-11-05T00:00:00Z&group=day&rows=0');
    expect([days, from]).toEqual([2, '2025-11-03T00:00:00.000000Z']);
    expect(keys.deployment_frequency).toMatchObject({ n: 1, rows: [] });
    expect(keys.time_to_restore.open).toHaveLength(1);
  });

  it('takes 90 days up to now when nothing is said', async () => {
    const { days, group, from, to } = await ask('');
    expect([days, group]).toEqual([90, 'week']);
    expect(at(to) - at(from)).toBe(90 * DAY);
  });

  it.each([
    ['day', 'day=3'],
    ['type', 'type=metrics'],
    ['days', 'days=0'],
    ['days', 'days=36501'],
    ['days', 'days=1&days=2'],
    ['group', 'group=year'],
    ['rows', 'rows=1001'],
    ['rows', 'rows=-1'],
    ['from', 'from=yesterday'],
    ['to', 'to='],
    ['from', 'from=2025-11-03&to=2025-11-03'],
    ['from', 'from=1700-01-01T00:00:00Z&to=now'],
    ['source', 'source='],
    ['source', 'source=dor'],
  ])('refuses a wrong %s: %s', async (parameter, search) => {
    const refused = ask(search);
    await expect(refused).rejects.toBeInstanceOf(RequestError);
    await expect(refused).rejects.toMatchObject({ parameter });
  });

  it('is partial when a source fails, and a problem when all do', async () => {
    const { source, sources, note, keys } = await ask(WINDOW, [metrics('dora', rows).member, broken('other')]);
    expect([source, keys.deployment_frequency.n]).toEqual(['dora', 1]);
    expect(sources).toMatchObject([
      { name: 'dora', status: 'ok' },
      { name: 'other', status: 'failed', error: 'the disk is gone' },
    ]);
    expect(sources[1]).not.toHaveProperty('retry');
    expect(note).toBe('the answer is partial: other: the disk is gone');
    await expect(ask(WINDOW, [broken('other')])).rejects.toThrow(/no source could answer \(other: the disk is gone\)/);
  });

  it('says how to add a source when there is none', async () => {
    const { source, note, keys } = await ask(WINDOW, []);
    expect([source, note]).toEqual(['none', expect.stringContaining('no metrics source is configured')]);
    expect(Object.values(keys).map((key) => [key.value, key.class])).toEqual(Array(4).fill([null, 'no data']));
  });
});
