import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Condition, Entry, Page, Query, Services } from '../../../core/contract/index.ts';
import { compile } from '../../../core/query/conditions.ts';
import { byPoint, engine, entry, type Fact, listSource, type Manner, member, never, plain, readAll } from './sources.ts';

const fact = fc.record({
  time: fc.integer({ min: 990, max: 1010 }),
  letter: fc.constantFrom('a', 'b', 'c', 'd', 'B', '~'),
  n: fc.integer({ min: 0, max: 3 }),
});
// Equal ids mean the same observation, so everything else follows from the id.
const facts = fc
  .array(fact, { maxLength: 25 })
  .map((all) => all.map(({ time, letter, n }) => entry(time, `${time}.${letter}${n}`, { letter, n })));
const manner: fc.Arbitrary<Manner> = fc.record(
  {
    order: fc.constantFrom('exact', 'time', 'none'),
    range: fc.boolean(),
    seeks: fc.boolean(),
    support: fc.constantFrom('exact', 'inexact', 'unsupported'),
    batch: fc.integer({ min: 1, max: 7 }),
    planless: fc.boolean(),
    withBody: fc.boolean(),
  },
  { requiredKeys: ['order', 'range', 'seeks', 'support', 'batch'] },
) as fc.Arbitrary<Manner>;
const sources = fc.array(fc.tuple(facts, manner), { minLength: 1, maxLength: 4 });
const order = fc.constantFrom<Query['order']>('newest', 'oldest');
const where = fc.constantFrom<readonly Condition[]>(
  [],
  [{ field: 'letter', op: '=', value: 'a' }],
  [
    { field: 'n', op: '>=', value: '1' },
    { field: 'letter', op: '!=', value: 'b' },
  ],
);
const limits = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 3 });

/** What all pages together should hold: sorted, each id once. */
function expected(all: readonly (readonly Fact[])[], how: Query['order'], conditions: readonly Condition[]): string[] {
  const holds = compile(conditions);
  const rows = all.flat().filter((one) => one.time < 1000 && holds(one.body));
  return [...new Set(rows.sort(byPoint(how)).map((one) => one.id))];
}

function ids(pages: readonly Page[]): string[] {
  return pages.flatMap((page) => page.entries).map((one: Entry) => one.id);
}

describe('paging', () => {
  it('yields the sorted union, each entry once, whatever the sources support', async () => {
    await fc.assert(
      fc.asyncProperty(sources, order, where, limits, async (given, how, conditions, sizes) => {
        const facets = given.map(([rows, one], index) => listSource(() => rows, one, index + 3));
        const agent = engine(facets.map((query, index) => member(`s${index}`, { query })));
        const pages = await readAll(agent, { order: how, where: conditions }, sizes);
        expect(ids(pages)).toEqual(
          expected(
            given.map(([rows]) => rows),
            how,
            conditions,
          ),
        );
        for (const [index, page] of pages.entries()) {
          expect(page.entries.length <= (sizes[index % sizes.length] ?? 0)).toBe(true);
          expect(page.sources.reduce((sum, source) => sum + source.count, 0)).toBe(page.entries.length);
          for (const one of page.entries) expect(JSON.parse(one.json)).toEqual(one.body);
        }
        await Promise.resolve();
        expect(facets.map((facet) => facet.open)).toEqual(facets.map(() => 0));
      }),
      { numRuns: 400 },
    );
  });

  it('is completed by the retry cursors of sources that fail for a while', async () => {
    const failing = fc.array(fc.option(fc.integer({ min: 0, max: 12 }), { nil: undefined }), { minLength: 4, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(sources, order, where, limits, failing, async (given, how, conditions, sizes, failures) => {
        let broken = true;
        const members = given.map(([rows, one], index) => {
          const failsAfter = failures[index];
          const bad = listSource(() => rows, { ...one, ...(failsAfter !== undefined && { failsAfter }) });
          const good = listSource(() => rows, one);
          return member(`s${index}`, { query: { ...good, run: (query, run) => (broken ? bad : good).run(query, run) } });
        });
        // Each request finds an engine that knows of no failure before it, and asks every source.
        const agent: Pick<Services, 'query'> = { query: (...request) => engine(members).query(...request) };
        const pages = await readAll(agent, { order: how, where: conditions }, sizes);
        broken = false;
        const retried = await Promise.all(pages.map((page) => retryAll(agent, page, { order: how, where: conditions })));
        const complete = pages.map((page, index) => [...new Set([...ids([page]), ...(retried[index] ?? [])])]);
        // Each page with its retries has exactly what stands between its beginning and its end.
        const all = expected(
          given.map(([rows]) => rows),
          how,
          conditions,
        );
        expect([...new Set(complete.flat())].sort()).toEqual([...all].sort());
        let done = 0;
        for (const [index, page] of pages.entries()) {
          const last = page.entries.at(-1);
          const end = page.next !== undefined && last ? all.indexOf(last.id) + 1 : all.length;
          expect(new Set(complete[index])).toEqual(new Set(all.slice(done, end)));
          done = end;
        }
      }),
      { numRuns: 300 },
    );
  });

  it('pushes a limit only when nothing is left to the core', async () => {
    const rows = Array.from({ length: 30 }, (_, index) => entry(index, `id${index}`, { n: index }));
    const condition = { field: 'n', op: '<', value: '100' } as const;
    const limitOf = async (one: Partial<Manner>) => {
      const query = listSource(() => rows, { ...plain, ...one });
      const agent = engine([member('a', { query })]);
      const first = await agent.query('logs', { limit: 4, where: [condition] }, never);
      await agent.query('logs', { limit: 4, where: [condition], ...(first.next && { cursor: first.next }) }, never);
      return query.queries.map((asked) => asked.limit);
    };
    expect(await limitOf({})).toEqual([5, 5]);
    expect(await limitOf({ seeks: false })).toEqual([5, undefined]);
    expect(await limitOf({ support: 'inexact' })).toEqual([undefined, undefined]);
    expect(await limitOf({ range: false })).toEqual([undefined, undefined]);
    expect(await limitOf({ order: 'time' })).toEqual([undefined, undefined]);
    expect(await limitOf({ planless: true })).toEqual([undefined, undefined]);
  });

  it('reads on behind a pushed limit that repeated entries used up', async () => {
    const rows = [entry(5, 'e'), entry(5, 'e'), entry(5, 'e'), entry(4, 'd'), entry(4, 'd'), entry(3, 'c')];
    const page = await engine([member('a', { query: listSource(() => rows, plain) })]).query('logs', { limit: 2 }, never);
    expect(page.entries.map((one) => one.id)).toEqual(['e', 'd']);
    expect(page.next).toBeDefined();
  });

  it('counts what several sources have in common for the later one', async () => {
    const rows = [entry(1, 'a'), entry(2, 'b'), entry(3, 'c')];
    const mirror = member('archive', { query: listSource(() => rows, plain) }, { mirror: true });
    const agent = engine([member('app', { query: listSource(() => rows.slice(1), plain) }), mirror]);
    const page = await agent.query('logs', {}, never);
    expect(page.entries.map((one) => one.source)).toEqual(['app', 'app', 'archive']);
    expect(page.sources).toMatchObject([
      { name: 'app', count: 2, duplicates: 0 },
      { name: 'archive', count: 1, duplicates: 2 },
    ]);
  });

  it('reads no further than it needs from a source in order', async () => {
    let given = 0;
    const query = {
      plan: () => ({ where: [], order: 'exact', range: false, seeks: false }) as const,
      async *run() {
        for (let time = 1_000_000; time > 0; time--) {
          given++;
          yield [{ time, id: `i${time}`, json: '{}' }];
        }
      },
    };
    const page = await engine([member('a', { query })]).query('logs', { from: 999_000, limit: 3 }, never);
    expect(page.entries).toHaveLength(3);
    expect(given).toBeLessThan(6);
    await engine([member('a', { query })]).query('logs', { from: 999_990, limit: 300 }, never);
    expect(given).toBeLessThan(30);
  });
});

async function retryAll(
  agent: Pick<Services, 'query'>,
  page: Page,
  request: { order: Query['order']; where: readonly Condition[] },
): Promise<string[]> {
  const found: string[] = [];
  for (const { retry, status } of page.sources) {
    expect(retry === undefined).toBe(status === 'ok');
    for (let cursor = retry; cursor !== undefined; ) {
      const more: Page = await agent.query('logs', { ...request, limit: 2, cursor }, never);
      expect(more.sources).toHaveLength(1);
      found.push(...ids([more]));
      cursor = more.next;
    }
  }
  return found;
}

describe('a page of large rows', () => {
  it('holds fewer of them than were asked for, says so, and loses none', async () => {
    const text = 'x'.repeat(25 * 1024 * 1024);
    const all = [1, 2, 3, 4, 5].map((time) => entry(time, `id-${time}`, { text }));
    const { query } = engine([member('large', { query: listSource(() => all, plain) })]);
    const pages: Page[] = [await query('logs', { from: 0, to: 10, limit: 4 }, never)];
    for (let next = pages[0]?.next; next !== undefined; next = pages.at(-1)?.next) {
      pages.push(await query('logs', { cursor: next, limit: 4 }, never));
    }
    expect(pages.map(({ entries }) => entries.map(({ id }) => id))).toEqual([['id-5', 'id-4'], ['id-3', 'id-2'], ['id-1']]);
    expect(pages.map(({ notes }) => notes)).toEqual([
      ['the rows are large, so that there are 2 in this answer and not 4; go on with the cursor'],
      ['the rows are large, so that there are 2 in this answer and not 4; go on with the cursor'],
      [],
    ]);
  });
});
