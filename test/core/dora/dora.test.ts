import { describe, expect, it } from 'vitest';
import type { DoraRequest } from '../../../core/contract/index.ts';
import { vocabularyOptions } from '../../../core/dora/vocabulary.ts';
import { ask, metrics } from './agent.ts';
import type { TableRow } from './in-sql.ts';

const DAY = 86_400_000_000;
const HOUR = 3_600_000_000;
const BEGIN = Date.UTC(2025, 10, 3) * 1000;
const window: DoraRequest = { from: BEGIN, to: BEGIN + 28 * DAY, group: 'week' };

let sequence = 0;
function row(time: number, phase_name: string | null, decision: string | null, more: Partial<TableRow> = {}): TableRow {
  const id = `dora.${String(sequence++).padStart(6, '0')}`;
  return { id, time, cycle_id: id, feature_id: id, phase_name, decision, ...more };
}

async function keysOf(rows: readonly TableRow[], vocabulary?: object) {
  return (await ask([metrics('dora', rows).member], window, vocabulary)).keys;
}

describe('classes', () => {
  it.each([
    [29, 'elite'],
    [28, 'high'],
    [4, 'high'],
    [3, 'medium'],
    [1, 'medium'],
    [0, 'low'],
  ])('%i deployments in four weeks are %s', async (count, found) => {
    const rows = Array.from({ length: count }, (_, index) => row(BEGIN + index * HOUR, 'deployment', 'go'));
    const keys = await keysOf([...rows, row(BEGIN, 'planning', 'go')]);
    expect(keys.deployment_frequency).toMatchObject({ value: count / 4, class: found, n: count });
  });

  it.each([
    [HOUR - 1, 'elite'],
    [HOUR, 'high'],
    [24 * HOUR - 1, 'high'],
    [24 * HOUR, 'medium'],
    [168 * HOUR - 1, 'medium'],
    [168 * HOUR, 'low'],
  ])('%i microseconds to deploy and to restore are %s', async (micros, found) => {
    const same = { cycle_id: 'C', feature_id: 'F' };
    const keys = await keysOf([
      row(BEGIN, 'incident', 'failed', same),
      row(BEGIN + micros, 'recovery', 'fixed', same),
      row(BEGIN + micros, 'deployment', 'go', same),
    ]);
    expect(keys.lead_time).toMatchObject({ value: micros / 1e6, class: found });
    expect(keys.time_to_restore).toMatchObject({ value: micros / 1e6, class: found, open: [] });
  });

  it.each([
    [15, 'elite'],
    [16, 'high'],
    [30, 'high'],
    [31, 'medium'],
    [45, 'medium'],
    [46, 'low'],
  ])('%i failed deployments of a hundred are %s', async (failed, found) => {
    const rows = Array.from({ length: 100 }, (_, index) => row(BEGIN + index * HOUR, 'deployment', index < failed ? 'no-go' : 'go'));
    expect((await keysOf(rows)).change_failure_rate).toMatchObject({ value: failed / 100, class: found, n: 100 });
  });
});

describe('no data', () => {
  it('is told of an empty window, never a class', async () => {
    const { keys, series, notes } = await ask([metrics('dora', [row(BEGIN - 60 * DAY, 'deployment', 'go')]).member], window);
    for (const { value, class: found, n, rows, trend } of Object.values(keys)) {
      expect([value, found, n, rows, trend]).toEqual([null, 'no data', 0, [], { previous: null, direction: 'no data' }]);
    }
    expect(keys.deployment_frequency).toMatchObject({ median: null, p95: null });
    expect(series).toHaveLength(4);
    expect(series.every((one) => one.deployment_frequency === null && one.deployments === 0)).toBe(true);
    expect(notes).toEqual([]);
  });

  it('is told of what a single row says nothing about', async () => {
    const keys = await keysOf([row(BEGIN, 'planning', 'go')]);
    expect(keys.deployment_frequency).toMatchObject({ value: 0, class: 'low', median: 0, p95: 0, n: 0 });
    expect([keys.lead_time.class, keys.change_failure_rate.class, keys.time_to_restore.class]).toEqual(Array(3).fill('no data'));
  });

  it('is not the end of the window: it is exclusive, its begin inclusive', async () => {
    const at = async (time: number) => (await keysOf([row(time, 'deployment', 'go')])).deployment_frequency.n;
    expect([await at(BEGIN - 1), await at(BEGIN), await at(window.to - 1), await at(window.to)]).toEqual([0, 1, 1, 0]);
  });
});

describe('trend', () => {
  it('is the same, better or worse by the sense of the key', async () => {
    const deployed = (days: number, count: number) => Array.from({ length: count }, () => row(BEGIN + days * DAY, 'deployment', 'go'));
    const frequency = async (before: number, after: number) => {
      const keys = await keysOf([...deployed(-28, before), ...deployed(27, after)]);
      return [keys.deployment_frequency.trend, keys.change_failure_rate.trend.direction];
    };
    expect(await frequency(4, 4)).toEqual([{ previous: 1, direction: 'same' }, 'same']);
    expect(await frequency(4, 8)).toEqual([{ previous: 1, direction: 'better' }, 'same']);
    expect(await frequency(8, 4)).toEqual([{ previous: 2, direction: 'worse' }, 'same']);
    expect(await frequency(0, 4)).toEqual([{ previous: null, direction: 'no data' }, 'no data']);
  });
});

describe('words', () => {
  it('may be of another language, and appear in the definitions', async () => {
    const rows = [
      row(BEGIN, 'Despliegue final', 'SÍ', { cycle_id: 'C' }),
      row(BEGIN + 1, 'operación', 'marcha_atrás', { cycle_id: 'C' }),
      row(BEGIN + 2, 'operación', 'resuelto', { cycle_id: 'C' }),
      row(BEGIN + 3, 'deployment', 'go'),
    ];
    const vocabulary = { deployment: ['despliegue-final'], success: ['sí'], rollback: ['marcha atrás'], recovered: ['resuelto'] };
    const { keys, definitions } = await ask([metrics('dora', rows).member], window, vocabulary);
    expect([keys.deployment_frequency.n, keys.change_failure_rate.value, keys.time_to_restore.value]).toEqual([1, 1, 1e-6]);
    expect(definitions.deployment_frequency).toContain('phase despliegue-final, decision sí');
    expect(definitions.time_to_restore).toContain('decision resuelto');
  });

  it('of a rollback are failures, also where they are not listed as such', async () => {
    const rows = [row(BEGIN, 'deployment', 'revert'), row(BEGIN, 'deployment', 'rollback'), row(BEGIN, 'deployment', 'go')];
    const { change_failure_rate } = await keysOf(rows, { failure: ['failed'], rollback: ['revert'] });
    expect(change_failure_rate).toMatchObject({ value: 0.5, n: 2 });
  });

  it('have one meaning', () => {
    const faults = (given: object) =>
      vocabularyOptions.safeParse(given).error?.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
    expect(faults({ success: ['go', 'Review'] })).toEqual(['neutral.0 stands under success too; a word has one meaning']);
    expect(faults({ recovered: ['no_go'] })).toEqual(['recovered.0 stands under failure too; a word has one meaning']);
    expect(faults({ incident: ['Deployment'] })).toEqual(['incident.0 stands under deployment too; a word has one meaning']);
    expect(faults({ rollback: ['rollback', 'revert'], failure: ['revert'] })).toBeUndefined();
  });

  it('that are not known are named with their number', async () => {
    const rows = [
      row(BEGIN, 'deployment', 'perhaps'),
      row(BEGIN, 'deployment', 'perhaps'),
      row(BEGIN, 'deployment', null),
      row(BEGIN, 'deployment', 'review'),
      row(BEGIN, 'testing', 'whatever'),
      row(BEGIN - 1, 'deployment', 'before'),
    ];
    const { keys, notes } = await ask([metrics('dora', rows).member], window);
    expect(keys.change_failure_rate.n).toBe(0);
    expect(notes).toEqual([
      '3 deployment rows are not counted, as their decision says neither success nor failure: "perhaps" (2), none (1)',
    ]);
  });
});

describe('rows', () => {
  it('of other metrics are left out, and counted by their source', async () => {
    const load = metrics('load', [row(BEGIN, null, null), row(BEGIN + 1, '', 'go')]);
    const { keys, notes } = await ask([metrics('dora', [row(BEGIN, 'deployment', 'go')]).member, load.member], window);
    expect(keys.deployment_frequency.n).toBe(1);
    expect(notes).toEqual(['load: 2 rows of the window and the one before have no phase_name and no part in the four keys']);
  });

  it('that two sources have both count once', async () => {
    const rows = [row(BEGIN, 'deployment', 'go'), row(BEGIN, 'deployment', 'failed')];
    const { keys, sources } = await ask([metrics('dora', rows).member, metrics('copy', rows).member], window);
    expect(keys.change_failure_rate.n).toBe(2);
    expect(sources.map(({ count, duplicates }) => [count, duplicates])).toEqual([
      [2, 0],
      [0, 2],
    ]);
  });

  it('are shown up to a thousand, the newest first', async () => {
    const rows = Array.from({ length: 1500 }, (_, index) => row(BEGIN + index, 'incident', 'failed'));
    const { open = [] } = (await keysOf(rows)).time_to_restore;
    expect(open).toHaveLength(1000);
    expect(open[0]?.time).toBe(BEGIN + 1499);
  });
});

describe('a source that fails', () => {
  const many = (name: string, count: number, begin = BEGIN) =>
    Array.from({ length: count }, (_, index) => ({
      ...row(begin + Math.floor(index / 7) * 1000, 'deployment', 'go'),
      id: `${name}.${index}`,
    }));

  it('is asked no further; the others are read to their end, each row once', async () => {
    const dying = metrics('dying', many('dying', 9000, BEGIN + DAY), { failsAfter: 3000 });
    const well = metrics('well', many('well', 25_000));
    const { keys, sources, notes } = await ask([dying.member, well.member], window);
    expect(sources).toMatchObject([
      { name: 'dying', status: 'failed', error: 'the disk is gone' },
      { name: 'well', status: 'ok' },
    ]);
    expect(keys.deployment_frequency.n).toBe(25_000 + 3000);
    expect(notes).toEqual(['the answer is partial: dying: the disk is gone']);
    expect(dying.facet.queries).toHaveLength(1);
    // What was read before it failed is not read again.
    expect(well.facet.queries[1]?.to).toBeLessThan(BEGIN + DAY);
  });

  it('only when it is asked by conditions is asked no further; the others are read to their end', async () => {
    const old = (name: string) => many(name, 25_000, BEGIN - 90 * DAY).map((one) => ({ ...one, cycle_id: 'C', feature_id: 'F' }));
    const now = row(BEGIN, 'deployment', 'go', { cycle_id: 'C', feature_id: 'late' });
    const began = row(BEGIN - 91 * DAY, 'planning', 'go', { feature_id: 'late' });
    const picky = metrics('picky', [now, ...old('picky')]);
    const { run } = picky.facet;
    picky.facet.run = (query, told) => {
      if (query.where.length > 0) throw new Error('no index');
      return run(query, told);
    };
    const { keys, sources, notes } = await ask([picky.member, metrics('well', [...old('well'), began]).member], window);
    expect(sources).toMatchObject([
      { name: 'picky', status: 'failed', error: 'no index' },
      { name: 'well', status: 'ok' },
    ]);
    expect(keys.lead_time).toMatchObject({ n: 1, value: 91 * 86_400 });
    expect(notes).toEqual(['the answer is partial: picky: no index']);
  });

  it('alone leaves what was read before, and says so', async () => {
    const dying = metrics('dying', many('dying', 30_000), { failsAfter: 12_000 });
    const { sources, notes } = await ask([dying.member], window);
    expect(sources).toMatchObject([{ name: 'dying', status: 'failed' }]);
    expect(notes.join()).toContain('dying: the disk is gone');
  });
});

it.each<[string, Partial<DoraRequest>]>([
  ['from', { from: window.to }],
  ['from', { from: 0.5 }],
  ['to', { to: Number.NaN }],
  ['from', { from: window.to - 36_501 * DAY }],
  ['group', { group: 'year' as never }],
  ['source', { sources: ['dorra'] }],
])('a wrong %s is refused', async (parameter, wrong) => {
  await expect(ask([metrics('dora', []).member], { ...window, ...wrong })).rejects.toMatchObject({ code: 'ERR_REQUEST', parameter });
});
