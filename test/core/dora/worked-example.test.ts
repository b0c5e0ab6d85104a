import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type DoraKey, formatTime, parseTimestamp } from '../../../core/contract/index.ts';
import { ask, metrics, type Report } from './agent.ts';
import { figuresInSql, openTable, type TableRow } from './in-sql.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/dora.md'), 'utf8');

/** The rows of the table whose head begins so, by column. */
function tableOf(head: string): Record<string, string>[] {
  const lines = page.split('\n');
  const at = lines.findIndex((line) => line.startsWith(head));
  const cells = (line: string) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
  const end = lines.findIndex((line, index) => index > at && !line.startsWith('|'));
  const names = cells(lines[at] ?? '');
  return lines.slice(at + 2, end).map((line) => Object.fromEntries(cells(line).map((cell, index) => [names[index], cell])));
}

const rows = tableOf('| id | cycle_id |').map(
  (row): TableRow => ({
    id: row['id'] ?? '',
    time: parseTimestamp(row['created_at'] ?? '') ?? Number.NaN,
    cycle_id: row['cycle_id'] || null,
    feature_id: row['feature_id'] || null,
    phase_name: row['phase_name'] || null,
    decision: row['decision'] || null,
  }),
);
const window = { from: Date.UTC(2025, 10, 3) * 1000, to: Date.UTC(2025, 11, 1) * 1000 };
const orNull = (text: string | undefined) => (text ? Number(text) : null);

let report: Report;
beforeAll(async () => {
  report = await ask([metrics('dora', rows).member], { ...window, group: 'week' });
});

describe('the example of docs/dora.md', () => {
  it('has thirty rows', () => {
    expect(rows).toHaveLength(30);
    expect(rows.every(({ time }) => Number.isSafeInteger(time))).toBe(true);
  });

  it('has the figures of its table', () => {
    const wanted = tableOf('| key | value | class |');
    expect(wanted).toHaveLength(4);
    for (const row of wanted) {
      const { value, median = null, p95 = null, n, trend, class: found } = report.keys[row['key'] as DoraKey];
      const figures = { value, median, p95, n, previous: trend.previous };
      for (const [name, got] of Object.entries(figures)) {
        const want = orNull(row[name]);
        if (want === null) expect(got, `${row['key']} ${name}`).toBeNull();
        else expect(got, `${row['key']} ${name}`).toBeCloseTo(want, 9);
      }
      expect([found, trend.direction]).toEqual([row['class'], row['trend']]);
    }
  });

  it('has the rows that the text names behind the figures', () => {
    const { deployment_frequency, lead_time, change_failure_rate, time_to_restore } = report.keys;
    expect(deployment_frequency.rows.map(({ ids }) => ids.join())).toEqual(['29', '28', '26', '16', '13', '08', '05']);
    expect(lead_time.rows.map(({ ids, feature_id, seconds }) => [feature_id, ids.join(), seconds])).toEqual([
      ['billing', '29', 0],
      ['mobile', '26', 0],
      ['login', '14,16', 90_000],
      ['search', '07,08', 43_200],
      ['checkout', '01,05', 518_400],
    ]);
    expect(change_failure_rate.rows.filter(({ failed }) => failed).map(({ ids }) => ids.join())).toEqual([
      '29,30',
      '26,27',
      '19',
      '16,17',
      '10',
      '08,09',
      '04',
    ]);
    expect(time_to_restore.rows.map(({ ids, cycle_id }) => `${cycle_id} ${ids}`)).toEqual(['C5 19,20', 'C2 09,11', 'C1 04,06']);
    expect(time_to_restore.open?.map(({ ids }) => ids.join())).toEqual(/Open: ([\d, ]+) \(/.exec(page)?.[1]?.split(', '));
  });

  it('has the series of its table', () => {
    const wanted = tableOf('| week of |').map(({ 'week of': week, ...row }) => ({
      week,
      ...Object.fromEntries(Object.entries(row).map(([name, text]) => [name, orNull(text)])),
    }));
    expect(wanted).toHaveLength(4);
    expect(report.series.map(({ time, ...figures }) => ({ week: formatTime(time).slice(0, 10), ...figures }))).toEqual(wanted);
  });

  it('and SQL says the same', () => {
    const database = openTable(rows);
    const sql = figuresInSql(database, window.from, window.to);
    database.close();
    expect(sql).toMatchObject({ deployment_frequency: 1.75, change_failure_rate: 0.7, open: ['30', '17'] });
    expect([sql.lead_time[0], sql.time_to_restore[0]]).toEqual([43_200, 68_400]);
  });
});
