import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { draft, formatTime, type Log, now, type RetentionRun, type Source } from '../../../core/contract/index.ts';
import { journalRetention } from '../../../core/host/journal-retention.ts';
import { createRetention, type Retention } from '../../../core/host/retention.ts';
import type { Member } from '../../../core/query/member.ts';
import { openState, type State } from '../../../core/state/state.ts';
import { tableRetention } from '../../../core/table/retention.ts';
import { createEvents } from '../../../core/telemetry/events.ts';
import { createMetrics } from '../../../core/telemetry/metrics.ts';
import plugin from '../../../plugins/json-logs/index.ts';
import { keepLog } from '../query/sources.ts';
import { type SqliteTable, sqliteTable } from '../table/retention-stage.ts';

const DAY = 86_400_000_000;
const KEEP = 30 * 86_400_000;
const log: Log = { debug() {}, info() {}, warn() {}, error() {} };
const { signal } = new AbortController();

let folder: string;
let state: State;
let opened: Retention[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cauce-retention-'));
  state = await openState(join(folder, 'var'), { log, exclusive: true });
  opened = [];
});
afterEach(async () => {
  await Promise.all(opened.map((retention) => retention.stop()));
  state.close();
  await rm(folder, { recursive: true });
});

function open(members: readonly Member[], given: { schedule?: string | null; log?: Log; of?: State } = {}): Retention {
  const retention = createRetention({
    members: () => members,
    state: (given.of ?? state).keyValue('agent:retention'),
    inTurn: (work, until) => (given.of ?? state).inTurn(work, until),
    schedule: given.schedule ?? null,
    catchUpAfter: 0,
    log: given.log ?? log,
  });
  opened.push(retention);
  return retention;
}

const member = (name: string, source: Source): Member => ({ name, type: source.type, label: name, mirror: false, source });
const keeping = (retention: Source['retention'], type = 'metrics'): Source => ({ type, ...(retention && { retention }) });
const changing = (count: number) => keeping({ describe: () => 'some', apply: async () => [{ what: 'delete rows', count }] });

/** A table, a journal and log files, each with something to delete and something to keep. */
async function threeKinds(): Promise<{ members: Member[]; table: SqliteTable; left(): Promise<unknown> }> {
  const table = sqliteTable(join(folder, 'rows.db'));
  table.insert([1, now() - 45 * DAY, now() - 31 * DAY - DAY, now()]);
  const rows = tableRetention({ database: table.database, table: () => table.table, keep: KEEP, log });
  const journal = state.journal('checks');
  await journal.append([1, now() - 40 * DAY, now()].map((time, number) => draft({ number }, { time })));
  const line = (days: number) => `${JSON.stringify({ timestamp: formatTime(now() - days * DAY) })}\n`;
  for (const [number, days] of [0, 2, 50, 60].entries()) await writeFile(join(folder, `app.log${number ? `.${number}` : ''}`), line(days));
  const options = plugin.options.parse({ paths: join(folder, 'app.log'), keep: { age: '30d' } });
  const files = plugin.create({ id: 'app', host: 'h', options, log, signal, state: state.keyValue('app') });
  return {
    members: [
      member('dora', keeping(rows)),
      member('checks', keeping(journalRetention(journal, { type: 'health', keep: KEEP }), 'health')),
      member('app', files),
      member('plain', { type: 'logs' }),
    ],
    table,
    left: async () => ({
      rows: table.times().length,
      entries: await journal.count(Number.MAX_SAFE_INTEGER),
      files: (await readdir(folder)).filter((name) => name.startsWith('app.log')).sort(),
    }),
  };
}

const outcome = ({ results }: RetentionRun) => results;

describe('retention', () => {
  it('does what the dry run lists, for a table, a journal and files, and the dry run does nothing', async () => {
    const { members, table, left } = await threeKinds();
    const { service } = open(members);
    const before = await left();
    const planned = await service.apply({ dryRun: true }, signal);
    expect(await left()).toEqual(before);
    expect((await service.report()).last).toBeNull();
    const done = await service.apply({ dryRun: false }, signal);
    expect(outcome(done)).toEqual(outcome(planned));
    expect(done.results.map(({ source, changes }) => [source, changes.map(({ count }) => count)])).toEqual([
      ['dora', [3]],
      ['checks', [2]],
      ['app', [1, 1]],
      ['plain', []],
    ]);
    expect(await left()).toEqual({ rows: 1, entries: 1, files: ['app.log', 'app.log.1'] });
    expect(await service.report()).toEqual({
      schedule: null,
      next: null,
      policies: done.results.map(({ source, type, policy }) => ({ source, type, policy })),
      last: done,
    });
    expect((await service.apply({ dryRun: false }, signal)).results.flatMap(({ changes }) => changes)).toEqual([]);
    table.close();
  });

  it('tells the policy of every source', async () => {
    const { members, table } = await threeKinds();
    const down: Member = { name: 'down', type: 'metrics', label: 'down', mirror: false, error: 'connection refused' };
    const { policies } = await open([...members, down]).service.report();
    expect(Object.fromEntries(policies.map(({ source, policy }) => [source, policy]))).toEqual({
      dora: 'rows older than 30 days are deleted',
      checks: 'entries older than 30 days are deleted',
      app: 'rotated files are deleted when their newest line is older than 30 days',
      plain: 'kept by its owner: this agent deletes nothing',
      down: 'not known while it is not running',
    });
    table.close();
  });

  it('applies a policy that a source has besides its journal', async () => {
    const journal = state.journal('both');
    await journal.append([draft({}, { time: 1 })]);
    const own = { describe: () => 'rows too', apply: async () => [{ what: 'delete rows', count: 5 }] };
    const both = keeping(journalRetention(journal, { type: 'logs', keep: 3_600_000, retention: own }));
    const { results } = await open([member('both', both)]).service.apply({ dryRun: false }, signal);
    expect(results).toMatchObject([{ policy: 'entries older than 1 hour are deleted; rows too', changes: [{ count: 1 }, { count: 5 }] }]);
  });

  it('goes on after a source that fails or is down, and says so', async () => {
    const members: Member[] = [
      member('bad', keeping({ describe: () => 'some', apply: () => Promise.reject(new Error('the disk is gone')) })),
      { name: 'down', type: 'metrics', label: 'down', mirror: false, error: 'connection refused' },
      member(
        'mute',
        keeping({
          describe: () => 'some',
          apply: () => {
            throw new Error('at once');
          },
        }),
      ),
      member('good', changing(2)),
    ];
    const kept = keepLog();
    const { results } = await open(members, { log: kept }).service.apply({ dryRun: false }, signal);
    expect(results.map(({ source, error, changes }) => [source, error, changes.length])).toEqual([
      ['bad', 'the disk is gone', 0],
      ['down', 'connection refused', 0],
      ['mute', 'at once', 0],
      ['good', undefined, 1],
    ]);
    expect(kept.lines.filter(({ level }) => level === 'warn').map(({ fields }) => fields?.['source'])).toEqual(['bad', 'down', 'mute']);
  });

  it('keeps what a failed run did, besides its error', async () => {
    const table = sqliteTable(join(folder, 'rows.db'));
    table.insert(Array.from({ length: 12_000 }, (_, number) => number + 1));
    table.refuse(7000);
    const journal = state.journal('both');
    await journal.append([draft({}, { time: 1 })]);
    const rows = tableRetention({ database: table.database, table: () => table.table, keep: KEEP, log });
    const both = journalRetention(journal, { type: 'metrics', keep: KEEP, retention: rows });
    const kept = keepLog();
    const retention = open([member('both', keeping(both))], { log: kept });
    const { results } = await retention.service.apply({ dryRun: false }, signal);
    expect(results).toMatchObject([{ error: 'this row stays', changes: [{ count: 1 }, { count: 5000 }] }]);
    expect(table.times()).toHaveLength(7000);
    expect((await retention.service.report()).last?.results).toEqual(results);
    expect((await retention.record()).sources['both']).toEqual({ applied: null, changes: 5001, errors: 1 });
    expect(kept.lines.filter(({ fields }) => fields?.['source'] === 'both').map(({ fields }) => fields?.['count'])).toEqual([
      1,
      5000,
      undefined,
    ]);
    table.close();
  });

  it('keeps what a run did that was told to end', async () => {
    const table = sqliteTable(join(folder, 'rows.db'));
    table.insert(Array.from({ length: 12_000 }, () => 5));
    const controller = new AbortController();
    const stopping: Log = { ...log, debug: () => controller.abort(new Error('the agent is stopping')) };
    const rows = tableRetention({ database: table.database, table: () => table.table, keep: KEEP, log: stopping });
    const { results } = await open([member('a', keeping(rows))]).service.apply({ dryRun: false }, controller.signal);
    expect(results).toMatchObject([{ error: 'the agent is stopping', changes: [{ count: 5000 }] }]);
    table.close();
  });

  it('takes the named sources only, and refuses a name that is none', async () => {
    const { service } = open([member('a', changing(1)), member('b', changing(2))]);
    expect((await service.apply({ dryRun: false, sources: ['b'] }, signal)).results.map(({ source }) => source)).toEqual(['b']);
    await expect(service.apply({ dryRun: true, sources: ['bb'] }, signal)).rejects.toMatchObject({
      parameter: 'source',
      message: expect.stringContaining('did you mean b?'),
    });
  });

  it('runs one after the other', async () => {
    let running = 0;
    const slow = keeping({
      describe: () => 'some',
      async apply() {
        expect(++running).toBe(1);
        await new Promise((done) => setTimeout(done, 20));
        running--;
        return [];
      },
    });
    const [one, other] = [open([member('a', slow)]), open([member('a', slow)])];
    const runs = [one, one, other].map(({ service }) => service.apply({ dryRun: false }, signal));
    for (const { results } of await Promise.all(runs)) expect(results[0]).not.toHaveProperty('error');
  });

  it('shows in the metrics, also what another process did', async () => {
    const members = [
      member('a', changing(3)),
      member('b', keeping({ describe: () => 'some', apply: () => Promise.reject(new Error('no')) })),
    ];
    const metrics = createMetrics(createEvents(), { version: '1', instances: () => [], retention: () => open(members).record() });
    const lines = async () => (await metrics.text()).text.split('\n').filter((line) => line.startsWith('cauce_retention'));
    expect(await lines()).toEqual(['cauce_retention_last_run_timestamp_seconds 0']);
    const visit = await openState(join(folder, 'var'), { log, exclusive: false });
    const elsewhere = open(members, { of: visit });
    await elsewhere.service.apply({ dryRun: true }, signal);
    expect(await lines()).toHaveLength(1);
    const { time } = await elsewhere.service.apply({ dryRun: false }, signal);
    await elsewhere.service.apply({ dryRun: false, sources: ['b'] }, signal);
    visit.close();
    expect(await lines()).toEqual([
      expect.stringMatching(/^cauce_retention_last_run_timestamp_seconds \d/),
      `cauce_retention_last_applied_timestamp_seconds{source="a"} ${time / 1e6}`,
      'cauce_retention_last_changes{source="a"} 3',
      'cauce_retention_last_changes{source="b"} 0',
      'cauce_retention_errors_total{source="a"} 0',
      'cauce_retention_errors_total{source="b"} 2',
    ]);
    metrics.close();
  });

  it('runs by its schedule', async () => {
    const retention = open([member('a', changing(1))], { schedule: '* * * * * *' });
    expect((await retention.service.report()).next).toBeGreaterThan(now() - 1);
    await retention.service.apply({ dryRun: false }, signal);
    const first = (await retention.record()).last?.time as number;
    retention.start();
    await vi.waitFor(async () => expect((await retention.record()).last?.time).toBeGreaterThan(first), { timeout: 10_000 });
  });

  it.each([
    ['never', null, 1],
    ['before it was due', now() - 800 * DAY, 1],
    ['just now', now(), 0],
  ])('makes up for a run that was missed: the last one was %s', async (_when, whole, runs) => {
    await state.keyValue('agent:retention').set('record', { last: null, whole, sources: {} });
    let count = 0;
    const counted = keeping({
      describe: () => 'some',
      async apply() {
        count++;
        return [];
      },
    });
    const retention = open([member('a', counted)], { schedule: '0 0 1 1 *' });
    retention.start();
    await new Promise((done) => setTimeout(done, 50));
    await retention.stop();
    expect(count).toBe(runs);
  });

  it('stops a run that hangs, and keeps what it did until then', async () => {
    const hangs = keeping({ describe: () => 'some', apply: () => new Promise<never>(() => undefined) });
    const controller = new AbortController();
    const { service } = open([member('a', changing(1)), member('b', hangs), member('c', changing(1))]);
    const run = service.apply({ dryRun: false }, controller.signal);
    setTimeout(() => controller.abort(new Error('the agent is stopping')), 50);
    const { results } = await run;
    expect(results.map(({ error, changes }) => [error, changes.length])).toEqual([
      [undefined, 1],
      ['the agent is stopping', 0],
      ['the agent is stopping', 0],
    ]);
    expect((await service.report()).last?.results).toEqual(results);
  });
});
