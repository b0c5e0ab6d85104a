import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { expected } from '../../../core/conformance/rules.ts';
import type { Condition, Draft, Json, Query } from '../../../core/contract/index.ts';
import { compile } from '../../../core/query/conditions.ts';
import { HOUR, hourOf } from '../../../plugins/cassandra/keys.ts';
import type { Stored } from '../../../plugins/cassandra/row.ts';
import { logQuery } from '../../../plugins/cassandra-logs/query.ts';
import { Reads } from '../../../plugins/cassandra-logs/reads.ts';
import { describeWithCassandra } from '../../cassandra/shared.ts';
import { type Body, line, touch, writeByHand } from './query-stage.ts';
import { forever, openStage, type Stage } from './store-stage.ts';

const NOW_HOUR = hourOf(Date.now() * 1000);
const EVERYTHING: Query = { from: 0, to: Number.MAX_SAFE_INTEGER, order: 'newest', where: [] };

interface Asked {
  readonly drafts: Draft[];
  readonly notes: string[];
}

async function ask({ access }: Pick<Stage, 'access'>, query: Query): Promise<Asked> {
  const notes: string[] = [];
  const drafts: Draft[] = [];
  const facet = logQuery(new Reads(access, 'local_quorum'), 'here');
  const run = { signal: forever, note: (code: string, text: string) => void notes.push(`${code}: ${text}`) };
  for await (const some of facet.run(query, run)) drafts.push(...some);
  return { drafts, notes };
}

const told = (entries: readonly Pick<Draft, 'id' | 'time' | 'json'>[]) => entries.map(({ time, id, json }) => `${time} ${id} ${json}`);
const draftsOf = (lines: readonly Stored[]): Draft[] => lines.map(({ id, time, body: json }) => ({ id, time, json }));

const hours = fc.constantFrom(0, 0, 0, -1, -2, -30, -31, -24 * 40, -24 * 80, 24 * 3, 24 * 365 * 20);
const offsets = fc.oneof(fc.constantFrom(0, 1, HOUR / 2, HOUR - 1), fc.integer({ min: 0, max: HOUR - 1 }));
const levels = fc.constantFrom('INFO', 'INFO', 'ERROR', '30', 30, null, true, '', 'Ünïcode ✓');
const services = fc.constantFrom(undefined, 'api', 'api', 'web', 7, '', null);
const requests = fc.constantFrom(undefined, 'r-1', 'r-2', '7', 7, 7.5, '7.0', ['r-1', 7], ['r-2', ['r-1']], null, true, 'r'.repeat(3000));
const lineBodies = fc.record({ level: levels, service: services, request_id: requests });
/** In two hours only, since all of an hour with such lines is read. */
const lists = fc.record({
  hour: fc.constantFrom(-1, -30),
  level: fc.constantFrom(undefined, 'INFO', ['ERROR', 'x'], ['INFO']),
  service: fc.constantFrom(undefined, 'api', ['api', 'web']),
});
const randomLine = fc.tuple(fc.stringMatching(/^[!~Aa0.]{1,3}$/), hours, offsets, lineBodies);

/** Numbered, so that no two lines are the same. */
function randomLines(count: number, seed: number): Stored[] {
  return fc.sample(randomLine, { numRuns: count, seed }).map(([prefix, hour, offset, body], n) => {
    return line(`${prefix}${n}`, NOW_HOUR + hour * HOUR + offset, present(body));
  });
}

function linesWithLists(count: number, seed: number): Stored[] {
  return fc
    .sample(lists, { numRuns: count, seed })
    .map(({ hour, ...body }, n) => line(`list${n}`, NOW_HOUR + hour * HOUR + n, present(body)));
}

/** As JSON has it. */
function present(body: Body): Body {
  return JSON.parse(JSON.stringify(body)) as Body;
}

const valuesFor = (field: string): fc.Arbitrary<Json> => {
  if (field === 'level') return fc.constantFrom<Json>('INFO', 'ERROR', '30', 30, 'x', 'null', 'none', '', 'Ünïcode ✓', 'true');
  if (field === 'service') return fc.constantFrom<Json>('api', 'web', 'app', '7', 7, '', 'none', 'null');
  return fc.constantFrom<Json>('r-1', 'r-2', '7', 7, '7.0', '7.5', 'true', null, 'none', '', 'r'.repeat(3000));
};
const conditions: fc.Arbitrary<Condition> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('level', 'service', 'request_id').chain(equalTo) },
  { weight: 1, arbitrary: fc.constantFrom<Condition>({ field: 'level', op: '!=', value: 'INFO' }, { search: 'api' }) },
);
function equalTo(field: string): fc.Arbitrary<Condition> {
  const value = fc.oneof(valuesFor(field), fc.array(valuesFor(field), { minLength: 1, maxLength: 3 }));
  return value.map((given) => ({ field, op: '=' as const, value: given }));
}

describeWithCassandra('queries of logs in Cassandra', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  }, 60_000);
  afterAll(() => stage?.close(), 60_000);

  it('has nothing to say of an empty store', async () => {
    expect(await ask(stage, EVERYTHING)).toEqual({ drafts: [], notes: [] });
  });

  it('answers any query as one would by looking at all lines', async () => {
    const lines = [...randomLines(1500, 20251107), ...linesWithLists(20, 20251107)];
    await stage.writeRows(lines);
    const all = draftsOf(lines);
    const times = fc.oneof(
      fc.tuple(fc.constantFrom(...lines), fc.constantFrom(-1, 0, 1)).map(([{ time }, by]) => time + by),
      fc.constantFrom(0, Number.MAX_SAFE_INTEGER),
    );
    const points = fc.oneof(
      fc.constantFrom(...lines).map(({ time, id }) => ({ time, id })),
      fc.record({ time: times, id: fc.constantFrom('!', '~', 'a1', 'a') }),
    );
    const queries = fc.record({
      range: fc.oneof(fc.tuple(times, times), fc.constant([0, Number.MAX_SAFE_INTEGER] as const)),
      order: fc.constantFrom('newest' as const, 'oldest' as const),
      after: fc.option(points, { nil: undefined }),
      where: fc.array(conditions, { maxLength: 2 }),
      limit: fc.option(fc.constantFrom(1, 2, 7, 100, 700), { nil: undefined }),
    });
    const answers = fc.asyncProperty(queries, async ({ range: [a, b], order, after, where, limit }) => {
      const query: Query = { from: Math.min(a, b), to: Math.max(a, b), order, where, ...(after && { after }) };
      const bounded = where.length === 0 && limit !== undefined ? { ...query, limit } : query;
      const { drafts, notes } = await ask(stage, bounded);
      const fits = compile(where);
      const wanted = expected(
        all.filter(({ json }) => fits(JSON.parse(json))),
        bounded,
      );
      const got = told(drafts);
      // More may come than what meets the conditions, and it is in order and in range as well.
      expect(got).toEqual(told(expected(drafts, query)));
      expect(got.filter((_, index) => fits(JSON.parse((drafts[index] as Draft).json)))).toEqual(told(wanted));
      expect(notes).toEqual([]);
    });
    await fc.assert(answers, { numRuns: 300, seed: 20251107 });
  }, 120_000);

  it('passes over hours that were entered, and have no lines yet', async () => {
    const time = NOW_HOUR - 600 * HOUR;
    await Promise.all(Array.from({ length: 50 }, (_, n) => touch(stage, 'early', time - n * HOUR)));
    await stage.writeRows([line('first', time - 60 * HOUR), line('last', time + HOUR)]);
    const { drafts } = await ask(stage, { ...EVERYTHING, from: time - 70 * HOUR, to: time + 2 * HOUR });
    expect(drafts.map(({ id }) => id)).toEqual(['last', 'first']);
  });

  it('finds the few lines of a rare level without a look into every hour', async () => {
    const begin = NOW_HOUR - 1000 * HOUR;
    const levelOf = (n: number) => (n === 0 ? 'FATAL' : n === 40 ? ['FATAL'] : 'INFO');
    await stage.writeRows(Array.from({ length: 100 }, (_, n) => line(`rare${n}`, begin - n * HOUR, { level: levelOf(n) })));
    await stage.writeRows([line('rare', begin - 100 * HOUR, { level: 'FATAL' })]);
    const session = stage.access.session();
    let statements = 0;
    const counted = new Proxy(session, {
      get: (target, name) => {
        if (name === 'execute') statements++;
        return Reflect.get(target, name, target);
      },
    });
    const query: Query = { ...EVERYTHING, to: begin + HOUR, where: [{ field: 'level', op: '=', value: 'FATAL' }] };
    const { drafts } = await ask({ access: { ...stage.access, session: () => counted } }, query);
    expect(drafts.map(({ id }) => id)).toEqual(['rare0', 'rare40', 'rare']);
    expect(statements).toBeLessThan(200);
  });

  it('keeps five lines of one microsecond apart, in the order of their ids', async () => {
    const time = NOW_HOUR - 500 * HOUR + 5;
    const lines = ['b', 'a', 'C', '10', '9'].map((id) => line(id, time, { n: id }));
    await stage.writeRows(lines);
    const ids = async (query: Partial<Query>) =>
      (await ask(stage, { ...EVERYTHING, from: time, to: time + 1, ...query })).drafts.map(({ id }) => id);
    expect(await ids({})).toEqual(['b', 'a', 'C', '9', '10']);
    expect(await ids({ order: 'oldest' })).toEqual(['10', '9', 'C', 'a', 'b']);
    expect(await ids({ after: { time, id: 'C' }, limit: 1 })).toEqual(['9']);
    expect(await ids({ from: time + 1, to: time + 2 })).toEqual([]);
  });

  it('names the host of lines that another agent read', async () => {
    const time = NOW_HOUR - 700 * HOUR;
    await stage.writeRows([line('own', time), { ...line('other', time), host: 'there' }]);
    const { drafts } = await ask(stage, { ...EVERYTHING, from: time, to: time + 1 });
    expect(drafts.map(({ id, origin }) => [id, origin])).toEqual([
      ['own', undefined],
      ['other', 'there'],
    ]);
  });

  it('leaves out rows that are no lines, and says so', async () => {
    const time = NOW_HOUR - 800 * HOUR;
    const bodies = ['null', '[1]', '{"a":', '{"a":\n1}', '{"a":1}'];
    await writeByHand(stage, [
      ...bodies.map((body, n) => ({ id: `id${n}`, time: time + n, body })),
      { id: 'a id', time, body: '{}' },
      { id: 'unset', time },
    ]);
    const { drafts, notes } = await ask(stage, { ...EVERYTHING, from: time, to: time + 100 });
    expect(drafts.map(({ id }) => id)).toEqual(['id4']);
    expect(notes).toEqual([
      `malformed: 6 rows of ${stage.access.store().keyspace}.application_logs that are no line of JSON were left out`,
    ]);
  });
});

describeWithCassandra('queries of logs in Cassandra, by pages', () => {
  let stage: Stage;
  const body = (n: number): Body => ({
    service: n % 10 === 0 ? 'quiet' : 'busy',
    level: n % 100 === 0 ? 'ERROR' : 'INFO',
    n,
    request_id: 'one',
  });
  const lines = Array.from({ length: 9000 }, (_, n) => line(`id${n}`, NOW_HOUR - 2 * HOUR + Math.floor(n / 3) * 1_000_000, body(n)));
  const large = Array.from({ length: 40 }, (_, n) => line(`large${n}`, NOW_HOUR - 9 * HOUR + n, { text: 'x'.repeat(700_000), n }));

  beforeAll(async () => {
    stage = await openStage();
    await stage.writeRows(lines);
    await stage.writeRows(large);
  }, 60_000);
  afterAll(() => stage?.close(), 60_000);

  it.each<[string, Partial<Query>]>([
    ['newest first', { from: NOW_HOUR - 2 * HOUR }],
    ['oldest first', { from: NOW_HOUR - 2 * HOUR, order: 'oldest' }],
    ['of one level', { from: NOW_HOUR - 2 * HOUR, where: [{ field: 'level', op: '=', value: ['INFO', 'ERROR'] }] }],
    ['of one service', { from: NOW_HOUR - 2 * HOUR, where: [{ field: 'service', op: '=', value: ['busy', 'quiet'] }] }],
    ['of one request', { where: [{ field: 'request_id', op: '=', value: 'one' }] }],
    ['of one request, oldest first', { order: 'oldest', where: [{ field: 'request_id', op: '=', value: 'one' }] }],
    ['up to a limit', { limit: 5000 }],
  ])('reads partitions of thousands of lines, %s', async (_, given) => {
    const query = { ...EVERYTHING, ...given };
    const { drafts } = await ask(stage, query);
    expect(told(drafts)).toEqual(told(expected(draftsOf(lines), query)));
  });

  it('reads lines of 700 kB a few at a time', async () => {
    const query = { ...EVERYTHING, to: NOW_HOUR - 8 * HOUR };
    const { drafts } = await ask(stage, query);
    expect(drafts.map(({ id }) => id)).toEqual(expected(draftsOf(large), query).map(({ id }) => id));
  });
});
