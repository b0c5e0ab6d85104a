import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DoraEvidence } from '../../../core/contract/index.ts';
import { ask, metrics, type Report } from './agent.ts';
import { figuresInSql, groupsInSql, openTable, type TableRow } from './in-sql.ts';

const DAY = 86_400_000_000;
const BEGIN = Date.UTC(2025, 10, 19, 7, 30) * 1000;
const long = process.env['CAUCE_TEST_LONG'] === '1';

const oneOf = <T>(...values: T[]) => fc.constantFrom(...values);
const phase = fc.oneof(
  { weight: 5, arbitrary: oneOf('deployment', 'Deployment', 'DEPLOYMENT') },
  { weight: 3, arbitrary: oneOf('incident', 'recovery') },
  { weight: 3, arbitrary: oneOf('planning', 'testing', 'development', 'maintenance') },
  { weight: 1, arbitrary: oneOf('', null, 'deploy') },
);
const decision = fc.oneof(
  { weight: 5, arbitrary: oneOf('go', 'approved', 'success', 'GO') },
  { weight: 3, arbitrary: oneOf('no-go', 'no_go', 'No Go', 'rejected', 'rollback', 'Rollback', 'failed', 'blocked') },
  { weight: 3, arbitrary: oneOf('resolved', 'fixed', 'FIXED') },
  { weight: 1, arbitrary: oneOf('review', 'perhaps', '', null) },
);
/** Few times, so that many rows share one; a fifth of the rows lies on an edge of a window or of a day. */
const time = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -40 * 24, max: 40 * 24 }).map((hours) => BEGIN + hours * 3_600_000_000) },
  { weight: 4, arbitrary: fc.integer({ min: -25, max: 25 }).map((days) => BEGIN + days * DAY) },
  { weight: 1, arbitrary: fc.integer({ min: -40, max: 40 }).map((days) => Math.floor(BEGIN / DAY + days) * DAY) },
  { weight: 1, arbitrary: fc.integer({ min: -1e9, max: 1e9 }).map((micros) => BEGIN + micros) },
);
const row = fc.record({
  time,
  cycle_id: oneOf('c1', 'c2', 'c3', 'c4', 'c5', 'C1', '', null),
  feature_id: oneOf('f1', 'f1', 'f2', 'f3', 'f4', '', null),
  phase_name: phase,
  decision,
});
const history = fc.record({
  rows: fc
    .oneof(
      { weight: 1, arbitrary: fc.array(row, { maxLength: 1 }) },
      { weight: 9, arbitrary: fc.array(row, { maxLength: 90, size: 'max' }) },
    )
    .chain((rows) =>
      fc
        .shuffledSubarray(
          rows.map((_, index) => index),
          { minLength: rows.length },
        )
        .map((ids) => named(rows, ids)),
    ),
  days: oneOf(1, 7, 12, 20),
  shift: oneOf(0, 3, 3.37),
  group: oneOf('day' as const, 'week' as const, 'month' as const),
});

function named(rows: readonly Omit<TableRow, 'id'>[], ids: readonly number[]): TableRow[] {
  return rows.map((one, index) => ({ ...one, id: `dora.${String(ids[index]).padStart(4, '0')}` }));
}

describe('200 generated histories', () => {
  it('have the four keys that SQL computes from the definitions', async () => {
    const seen = { failures: 0, open: 0, restored: 0, changes: 0, empty: 0, single: 0 };
    const property = fc.asyncProperty(history, async ({ rows, days, shift, group }) => {
      const to = BEGIN + Math.round(shift * DAY);
      const from = to - days * DAY;
      // Two sources side by side are one history.
      const half = rows.length >> 1;
      const members = [metrics('dora', rows.slice(0, half)).member, metrics('more', rows.slice(half)).member];
      const report = await ask(members, { from, to, group });
      const database = openTable(rows);
      try {
        compare(report, database, { from, to, group });
      } finally {
        database.close();
      }
      const { keys } = report;
      seen.failures += keys.change_failure_rate.rows.filter(({ failed }) => failed).length;
      seen.open += keys.time_to_restore.open?.length ?? 0;
      seen.restored += keys.time_to_restore.n;
      seen.changes += keys.lead_time.n;
      if (rows.length === 0) seen.empty++;
      if (rows.length === 1) seen.single++;
    });
    await fc.assert(property, { seed: 20251107, numRuns: long ? 5000 : 200 });
    // A generator that makes none of these would prove nothing.
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(3);
  });

  it.each([
    { slow: 'conditions', cycles: 5500, strangers: 0 },
    { slow: 'pages', cycles: 900, strangers: 11_000 },
  ])('and so has a large one of three sources whose $slow are slow', async ({ slow, cycles, strangers }) => {
    const rows: TableRow[] = [];
    const add = (days: number, name: string, feature: number, phase_name: string, decision: string) => {
      const id = `dora.${String(rows.length).padStart(6, '0')}`;
      rows.push({ id, time: BEGIN + Math.round(days * DAY), cycle_id: name, feature_id: `f${feature}`, phase_name, decision });
    };
    for (let number = 0; number < cycles; number++) {
      const [day, name, feature] = [-60 + ((number * 7) % 1200) / 10, `c${number}`, number % 2400];
      add(day - 100, name, feature, 'planning', 'approved');
      add(day - 90, name, feature, 'development', 'go');
      add(day - 60, name, feature, 'incident', 'failed');
      add(day, name, feature, 'deployment', number % 7 === 0 ? 'no-go' : 'go');
      if (number % 3 === 0) add(day + 20 + (number % 5), name, feature, 'incident', 'rollback');
      if (number % 6 === 0) add(day + 40 + (number % 11), name, feature, 'recovery', 'fixed');
    }
    // Around both windows, and of no feature or cycle in them.
    for (let number = 0; number < strangers; number++) {
      add(-61 - (number % 200), `stranger${number}`, 9000 + number, 'deployment', 'go');
      add(1 + (number % 200), `stranger${number}`, 9000 + number, 'incident', 'failed');
    }
    const parts = [0, 1, 2].map((part) =>
      metrics(
        `part${part}`,
        rows.filter((_, index) => index % 3 === part),
      ),
    );
    for (const { facet } of parts) {
      const { run } = facet;
      facet.run = async function* (query, told) {
        if ((slow === 'pages') === (query.where.length === 0)) await sleep(30);
        yield* run(query, told);
      };
    }
    const request = { from: BEGIN - 30 * DAY, to: BEGIN, group: 'week' as const };
    const report = await ask(
      parts.map((part) => part.member),
      request,
    );
    const database = openTable(rows);
    compare(report, database, request);
    database.close();
    expect(report.keys.lead_time.n).toBeGreaterThan(100);
    expect(report.keys.time_to_restore.n).toBeGreaterThan(20);
    expect(report.notes).toEqual([]);
    const fields = parts.flatMap(({ facet }) => facet.queries.flatMap(({ where }) => where.map((one) => 'field' in one && one.field)));
    expect(fields).toContain('feature_id');
    if (slow === 'pages') expect(fields).toContain('cycle_id');
  });
});

function compare(
  report: Report,
  database: ReturnType<typeof openTable>,
  { from, to, group }: { from: number; to: number; group: 'day' | 'week' | 'month' },
) {
  const sql = figuresInSql(database, from, to);
  const before = figuresInSql(database, from - (to - from), from);
  const { deployment_frequency: frequency, lead_time: lead, change_failure_rate: rate, time_to_restore: restore } = report.keys;
  near(frequency.value, sql.deployment_frequency);
  near(lead.value, sql.lead_time[0]);
  near(rate.value, sql.change_failure_rate);
  near(restore.value, sql.time_to_restore[0]);
  near([lead.median, lead.p95], sql.lead_time);
  near([restore.median, restore.p95], sql.time_to_restore);
  near(
    [frequency, lead, rate, restore].map(({ trend }) => trend.previous),
    [before.deployment_frequency, before.lead_time[0], before.change_failure_rate, before.time_to_restore[0]],
  );
  expect([frequency.n, lead.n, rate.n, restore.n]).toEqual([
    sql.successes,
    sql.changes.length,
    sql.deployments.length,
    sql.restored.length,
  ]);
  expect(rate.rows.map((one) => `${one.ids[0]} ${one.failed}`)).toEqual(sql.deployments.slice(0, 1000));
  expect(lead.rows.map(told)).toEqual(sql.changes.slice(0, 1000));
  expect(restore.rows.map(told)).toEqual(sql.restored.slice(0, 1000));
  expect(restore.open?.map(({ ids }) => ids[0])).toEqual(sql.open.slice(0, 1000));

  const begins = groupsInSql(database, from, to, group);
  expect(report.series.map((one) => one.time)).toEqual(begins);
  for (const [index, one] of report.series.entries()) {
    const part = figuresInSql(database, Math.max(one.time, from), Math.min(begins[index + 1] ?? to, to));
    near(
      [one.deployment_frequency, one.lead_time, one.change_failure_rate, one.time_to_restore],
      [part.deployment_frequency, part.lead_time[0], part.change_failure_rate, part.time_to_restore[0]],
    );
    expect(one.deployments).toBe(part.successes);
  }
}

function told({ ids, seconds }: DoraEvidence): string {
  return `${ids[0]}..${ids.at(-1)} ${seconds}`;
}

/** Equal but for the rounding of another order of the same additions. */
function near(got: unknown, wanted: unknown): void {
  const [a, b] = [[got].flat(), [wanted].flat()];
  expect(a).toHaveLength(b.length);
  for (const [index, value] of b.entries()) {
    if (typeof value === 'number' && typeof a[index] === 'number')
      expect(Math.abs(a[index] - value)).toBeLessThanOrEqual(1e-9 * Math.abs(value));
    else expect(a[index]).toBe(value);
  }
}
