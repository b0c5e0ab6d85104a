import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Condition, StatsQuery, StatsRow } from '../../../core/contract/index.ts';
import { compile } from '../../../core/query/conditions.ts';
import { Groups } from '../../../core/query/groups.ts';
import { HOUR, hourOf } from '../../../plugins/cassandra/keys.ts';
import type { Stored } from '../../../plugins/cassandra/row.ts';
import { storeStats } from '../../../plugins/cassandra-logs/stats.ts';
import { describeWithCassandra } from '../../cassandra/shared.ts';
import { forever, type Given, linesOf, log, openStage, type Stage, stored } from './store-stage.ts';

const MINUTE = 60_000_000;
const LATER = () => Date.now() + 3_600_000;
const run = { signal: forever, note: () => undefined };

function query(lines: readonly { time: number }[], given: Partial<StatsQuery> = {}): StatsQuery {
  const times = lines.map(({ time }) => time);
  return { from: hourOf(Math.min(...times)), to: hourOf(Math.max(...times)) + HOUR, by: ['level'], measures: [], where: [], ...given };
}

function sorted(rows: readonly StatsRow[]) {
  return rows.map((row) => JSON.stringify([row.time ?? null, row.group, row.count, row.values])).sort();
}

/** What the core counts of the same lines. */
function counted(lines: readonly Stored[], asked: StatsQuery): readonly StatsRow[] {
  const groups = new Groups(asked);
  const fits = compile(asked.where);
  for (const { time, body } of lines) {
    const parsed = JSON.parse(body);
    if (time >= asked.from && time < asked.to && fits(parsed)) groups.add(time, parsed);
  }
  return groups.rows(100_000).rows;
}

describeWithCassandra('statistics of logs in Cassandra', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await openStage();
  }, 60_000);
  afterEach(() => stage.close(), 60_000);

  async function ask(asked: StatsQuery, now: () => number = LATER): Promise<readonly StatsRow[]> {
    const facet = storeStats({ ...stage.access, log, now });
    expect(await facet.plan(asked)).toBe(true);
    const rows: StatsRow[] = [];
    for await (const some of facet.run(asked, run)) rows.push(...some);
    return rows;
  }

  /** Rows of the counts, as many as there are; each may be changed by hand, to see whether it is used. */
  async function storedCounts(): Promise<readonly Record<string, unknown>[]> {
    const { keyspace } = stage.access.store();
    return (await stage.access.session().client.execute(`SELECT * FROM ${keyspace}.log_counts`)).rows as never;
  }

  /** Makes every stored count a wrong one. */
  async function spoil(): Promise<void> {
    const { keyspace } = stage.access.store();
    for (const { service, hour, minute, level } of await storedCounts()) {
      const change = `UPDATE ${keyspace}.log_counts SET lines = 1000000 WHERE service = ? AND hour = ? AND minute = ? AND level = ?`;
      await stage.access.session().client.execute(change, [service, hour, minute, level], { prepare: true });
    }
  }

  it('counts as the core does, whatever the levels, conditions, buckets and ends, from lines and from stored counts', async () => {
    const level = fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom('ERROR', 'INFO', 'WARN') },
      fc.constantFrom(
        null,
        undefined,
        true,
        30,
        '30',
        '',
        '["ERROR"]',
        ['ERROR'],
        ['INFO', 'ERROR'],
        { a: 1 },
        '{"a":1}',
        '\ud800',
        '\ufffd',
        'null',
      ),
    );
    const line = fc.record({
      minute: fc.integer({ min: 0, max: 400 }),
      offset: fc.integer({ min: 0, max: 59_999_999 }),
      level,
      service: fc.constantFrom('a', 'b', 'c'),
    });
    const batches = fc.array(line, { minLength: 1, maxLength: 40 });
    const value = fc.constantFrom('ERROR', 'INFO', '["ERROR"]', '{"a":1}');
    const condition: fc.Arbitrary<Condition> = fc.record({
      field: fc.constant('level'),
      op: fc.constantFrom('=' as const, '!=' as const),
      value: fc.oneof(value, fc.array(value, { maxLength: 2 })),
    });
    const end = fc.integer({ min: -60, max: 460 * 60 });
    const asking = fc.record({
      ends: fc.tuple(end, end),
      bucket: fc.constantFrom(undefined, MINUTE, 7 * MINUTE, 60 * MINUTE, 90 * MINUTE),
      by: fc.constantFrom<string[]>([], ['level']),
      where: fc.array(condition, { maxLength: 2 }),
    });
    const base = hourOf(Date.now() * 1000) - 10 * HOUR;
    let serial = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(batches, fc.array(asking, { minLength: 1, maxLength: 4 })), { minLength: 1, maxLength: 3 }),
        async (rounds) => {
          const { keyspace } = stage.access.store();
          for (const table of ['application_logs', 'log_hours', 'log_counts'])
            await stage.access.session().client.execute(`TRUNCATE ${keyspace}.${table}`);
          const writer = stage.writer('here');
          const lines: Stored[] = [];
          for (const [batch, questions] of rounds) {
            const given = batch.map(({ minute, offset, service, level }): Given => {
              serial++;
              return { id: `p.${serial}`, time: base + minute * MINUTE + offset, service, body: level === undefined ? {} : { level } };
            });
            await writer.write(given);
            lines.push(...given.map((one) => stored('here', one)));
            for (const { ends, bucket, by, where } of questions) {
              const [from, to] = [Math.min(...ends), Math.max(...ends) + 1].map((second) => base + second * 1_000_000) as [number, number];
              const asked = { from, to, by, where, measures: [], ...(bucket && { bucket }) };
              expect(sorted(await ask(asked))).toEqual(sorted(counted(lines, asked)));
            }
          }
        },
      ),
      { numRuns: 15, seed: 20251107 },
    );
  }, 240_000);

  it('tells a list from the text that it is written as, and what is no Unicode from its replacement', async () => {
    const levels = ['ERROR', ['ERROR'], '["ERROR"]', { a: 1 }, '{"a":1}', 'e\ud800', 'e\ufffd'];
    const lines = linesOf('a', 70, 3).map((line, n) => ({ ...line, body: { level: levels[n % 7] } }));
    await stage.writer('here').write(lines);
    const rows = lines.map((line) => stored('here', line));
    for (const value of ['ERROR', '["ERROR"]', '{"a":1}', 'e\ud800', 'e\ufffd']) {
      for (const op of ['=', '!='] as const) {
        const asked = query(lines, { where: [{ field: 'level', op, value }] });
        expect(sorted(await ask(asked))).toEqual(sorted(counted(rows, asked)));
      }
    }
    expect(await storedCounts()).toHaveLength(2 * 5);
  });

  it('stores what it counted and uses it, but for the minutes that the range cuts', async () => {
    const lines = linesOf('a', 600, 3, { body: { level: 'INFO' } });
    await stage.writer('here').write(lines);
    const [{ time: begin }] = lines as [Given];
    expect(await ask(query(lines))).toMatchObject([{ group: { level: 'INFO' }, count: 600 }]);
    expect(await storedCounts()).toHaveLength(10);
    await spoil();
    expect(await ask(query(lines, { from: begin + 30_000_000, to: begin + 150_000_000 }))).toMatchObject([{ count: 1_000_000 + 60 }]);
    expect(await ask(query(lines, { from: begin + 30_000_000, to: begin + 50_000_000 }))).toMatchObject([{ count: 20 }]);
  });

  it('believes stored counts no more after a line came late', async () => {
    const lines = linesOf('a', 60, 3, { body: { level: 'INFO' } });
    await stage.writer('here').write(lines);
    await ask(query(lines));
    await spoil();
    const late = linesOf('late', 1, 3, { body: { level: 'WARN' } });
    await stage.writer('there').write(late);
    const counts = [{ count: 60 }, { count: 1 }];
    expect((await ask(query(lines))).toSorted((a, b) => b.count - a.count)).toMatchObject(counts);
    // And stores them anew.
    expect((await ask(query(lines))).toSorted((a, b) => b.count - a.count)).toMatchObject(counts);
    expect((await storedCounts()).map(({ lines }) => Number(lines)).toSorted((a, b) => a - b)).toEqual([1, 60]);
  });

  it('does not believe what it counted while a batch was being written', async () => {
    const first = linesOf('a', 30, 3, { body: { level: 'INFO' } }).map((line) => stored('here', line));
    const second = linesOf('b', 30, 3, { body: { level: 'INFO' } }).map((line) => stored('here', line));
    const writer = stage.writer('here');
    await writer.touch([...first, ...second]);
    await writer.lines(first);
    expect(await ask(query(first))).toMatchObject([{ count: 30 }]);
    expect(await storedCounts()).not.toHaveLength(0);
    await writer.lines(second);
    await writer.touch([...first, ...second]);
    expect(await ask(query(first))).toMatchObject([{ count: 60 }]);
  });

  it('stores nothing of an hour that was touched just now', async () => {
    const lines = linesOf('a', 60, 3);
    await stage.writer('here').write(lines);
    expect(await ask(query(lines), Date.now)).toMatchObject([{ group: { level: null }, count: 60 }]);
    expect(await storedCounts()).toHaveLength(0);
  });

  it('keeps counts no longer than the first of the lines, and forgets groups that are gone', async () => {
    const writer = stage.writer('here');
    const lines = linesOf('a', 10, 3, { body: { level: 'INFO' } }).map((line) => stored('here', line));
    await writer.touch(lines);
    await writer.lines(lines.slice(0, 5), 5000);
    await writer.lines(lines.slice(5), 500);
    await ask(query(lines));
    const { keyspace } = stage.access.store();
    const { client } = stage.access.session();
    const { rows } = await client.execute(`SELECT TTL(lines) AS ttl FROM ${keyspace}.log_counts`);
    expect(rows[0]?.['ttl']).toBeGreaterThan(400);
    expect(rows[0]?.['ttl']).toBeLessThan(500);
    await client.execute(`TRUNCATE ${keyspace}.application_logs`);
    await writer.write(linesOf('b', 3, 3, { body: { level: 'WARN' } }));
    await ask(query(lines));
    expect(await ask(query(lines))).toMatchObject([{ group: { level: 'WARN' }, count: 3 }]);
  });

  it('plans nothing that it cannot count exactly', () => {
    const facet = storeStats({ ...stage.access, log });
    const plan = (given: Partial<StatsQuery>) => facet.plan({ from: 0, to: HOUR, by: ['level'], measures: [], where: [], ...given });
    expect(plan({})).toBe(true);
    expect(plan({ bucket: 2 * MINUTE, where: [{ field: 'level', op: '=', value: ['ERROR', 'WARN'] }] })).toBe(true);
    expect(plan({ by: ['service'] })).toBe(false);
    expect(plan({ bucket: 90_000_000 })).toBe(false);
    expect(plan({ measures: [{ fn: 'count', field: 'level' }] })).toBe(false);
    for (const value of ['30', 'null', 'true', '', 30, null]) expect(plan({ where: [{ field: 'level', op: '=', value }] })).toBe(false);
    expect(plan({ where: [{ field: 'level', op: '~=', value: 'ERR' }] })).toBe(false);
    expect(plan({ where: [{ field: 'service', op: '=', value: 'api' }] })).toBe(false);
    expect(plan({ where: [{ search: 'x' }] })).toBe(false);
  });
});
