import assert from 'node:assert/strict';
import type { Batch, Draft, FollowFacet, Position, Query, QueryFacet, Source, SourceDefinition } from '../contract/index.ts';
import type { Runner } from './index.ts';
import { assertDraft, compare, everything, expected } from './rules.ts';
import { contextOf, ends, memoryState, runOf, withSource } from './stand.ts';

export interface SourceFixture {
  readonly definition: SourceDefinition;
  /** Called before each test: a fresh place, and options that point at it. */
  setup(): Promise<{
    readonly options: unknown;
    /** Makes that many more observations appear. Absent: the source makes its own. */
    add?(count: number): Promise<void>;
    cleanup(): Promise<void>;
  }>;
}

type Place = Awaited<ReturnType<SourceFixture['setup']>>;
type Test = (source: Source, place: Place, signal: AbortSignal) => Promise<void>;

/** Declares the tests of a source. A facet that it does not have is not tested; the first test names what it has. */
export function sourceConformance(runner: Runner, fixture: SourceFixture): void {
  const { definition } = fixture;
  const test = (name: string, body: Test) =>
    runner.it(name, async () => {
      const place = await fixture.setup();
      try {
        await withSource(definition, place.options, (source, signal) => body(source, place, signal));
      } finally {
        await place.cleanup();
      }
    });

  runner.describe(`source ${definition.name}`, () => {
    test('says what it is, and can do something', async (source) => {
      assert.match(definition.name, /^[a-z][a-z0-9-]*$/);
      assert.ok(definition.summary.length > 0);
      assert.match(source.type, /^[a-z][a-z0-9_-]*$/);
      assert.ok(source.query ?? source.follow ?? source.latest ?? source.receive, 'it has query, follow, latest or receive');
    });
    runner.it('creates without waiting, and stops without having been started', async () => {
      const place = await fixture.setup();
      const controller = new AbortController();
      const source = definition.create({ ...contextOf(definition, place.options, controller.signal), state: memoryState() } as never);
      assert.ok(!(source instanceof Promise), 'create is synchronous');
      controller.abort();
      await ends('stop()', source.stop?.() ?? Promise.resolve());
      await place.cleanup();
    });
    runner.it('refuses an unknown option', async () => {
      assert.equal(definition.options.safeParse({ surely_not_an_option: 1 }).success, false);
    });
    test('answers a probe', async (source, _place, signal) => {
      if (!source.probe) return;
      const probe = await ends('probe()', source.probe(signal));
      assert.ok(typeof probe.ok === 'boolean' && probe.detail.length > 0);
    });
    test('tells its present state', async (source, _place, signal) => {
      if (!source.latest) return;
      const drafts = await ends('latest()', source.latest(runOf(signal)));
      assert.ok(drafts.length > 0);
      for (const draft of drafts) assertDraft(draft);
    });
    test('hands over what it receives until it is told to end', async (source) => {
      if (!source.receive) return;
      const controller = new AbortController();
      const got: Draft[] = [];
      let first: () => void = () => undefined;
      const arrived = new Promise<void>((resolve) => {
        first = resolve;
      });
      const receiving = source.receive(async (drafts) => {
        got.push(...drafts);
        first();
      }, controller.signal);
      await ends('receiving the first entry', arrived);
      controller.abort();
      await ends('receive() after its signal aborted', receiving);
      for (const draft of got) assertDraft(draft);
    });
    queryTests(test);
    followTests(test);
  });
}

type Declare = (name: string, body: Test) => void;

function queryTests(test: Declare): void {
  const queryTest = (name: string, body: (query: QueryFacet, place: Place, signal: AbortSignal) => Promise<void>) =>
    test(name, async (source, place, signal) => {
      if (!source.query) return;
      await place.add?.(25);
      await body(source.query, place, signal);
    });

  queryTest('yields valid entries, the same ones each time', async (query, place, signal) => {
    const [first, second] = [await all(query, everything, signal), await all(query, everything, signal)];
    if (place.add) assert.equal(first.length, 25, 'all that was added is there');
    for (const draft of first) assertDraft(draft);
    assert.equal(new Set(first.map(({ id }) => id)).size, first.length, 'ids are unique');
    assert.deepEqual(second.map(plain).sort(byId), first.map(plain).sort(byId));
  });
  queryTest('keeps what its plan promises', async (query, _place, signal) => {
    const known = (await all(query, everything, signal)).sort(compare);
    const middle = known[Math.floor(known.length / 2)];
    const late = known[Math.floor(known.length * 0.8)];
    if (!middle || !late) return;
    const variants: Query[] = [
      everything,
      { ...everything, order: 'oldest' },
      { ...everything, from: middle.time, to: late.time },
      { ...everything, after: { time: middle.time, id: middle.id } },
      { ...everything, order: 'oldest', after: { time: middle.time, id: middle.id } },
    ];
    for (const variant of variants) await keepsPromises(query, variant, known, signal);
  });
  queryTest('applies a condition that it promises to apply', async (query, _place, signal) => {
    const none: Query = { ...everything, where: [{ field: 'surely.not.a.field', op: '=', value: 'x' }] };
    const plan = await query.plan?.(none);
    if (plan) assert.equal(plan.where.length, 1, 'a plan says something of each condition');
    if (plan?.where[0] === 'exact') assert.deepEqual(await all(query, none, signal), [], 'no entry has that field');
  });
  queryTest('ends when its signal aborts', async (query, _place, signal) => {
    const controller = new AbortController();
    const running = (async () => {
      for await (const drafts of query.run(everything, runOf(AbortSignal.any([signal, controller.signal])))) {
        if (drafts.length > 0) controller.abort();
      }
    })();
    // Ending with an AbortError is as good as ending quietly.
    await ends(
      'the query',
      running.catch(() => undefined),
    );
  });
}

async function keepsPromises(query: QueryFacet, variant: Query, known: readonly Draft[], signal: AbortSignal): Promise<void> {
  const plan = await query.plan?.(variant);
  const got = await all(query, variant, signal);
  const { after, ...unsought } = variant;
  const sought = plan?.seeks && after ? variant : unsought;
  const range = plan?.range ? {} : { from: everything.from, to: everything.to };
  const wanted = expected(known, { ...sought, ...range });
  assert.deepEqual(
    got.map(({ id }) => id).sort(),
    wanted.map(({ id }) => id).sort(),
    'range and seeks are kept exactly when they are promised',
  );
  if (plan?.order === 'exact')
    assert.deepEqual(
      got.map(({ id }) => id),
      wanted.map(({ id }) => id),
      'the promised order',
    );
  if (plan?.order === 'time')
    assert.deepEqual(
      got.map(({ time }) => time),
      wanted.map(({ time }) => time),
      'the promised order by time',
    );
  if (plan?.order !== 'exact' || !plan.range || (after && !plan.seeks)) return;
  const limited = await all(query, { ...variant, limit: 3 }, signal);
  assert.deepEqual(
    limited.slice(0, 3).map(({ id }) => id),
    wanted.slice(0, 3).map(({ id }) => id),
    'a limit keeps the first ones',
  );
}

function followTests(test: Declare): void {
  const followTest = (name: string, body: (follow: FollowFacet, place: Required<Place>, signal: AbortSignal) => Promise<void>) =>
    test(name, async (source, place, signal) => {
      if (!source.follow) return;
      assert.ok(place.add, 'a source that is followed needs a fixture with add(), or nothing can be tested');
      await body(source.follow, place as Required<Place>, signal);
    });

  followTest('follows from the beginning, and resumes behind any entry', async (follow, place, signal) => {
    await place.add(20);
    const whole = await take(follow, 'beginning', 20, signal);
    assert.equal(new Set(whole.map(({ draft }) => draft.id)).size, 20);
    for (const at of [0, 7, 19]) {
      const position = fold(whole.slice(0, at + 1));
      const rest = at === 19 ? [] : await take(follow, position, 19 - at, signal);
      const wanted = whole.slice(at + 1).map(({ draft }) => draft.id);
      const got = rest.map(({ draft }) => draft.id);
      if (follow.replay === 'exact') assert.deepEqual(got, wanted, `resumed behind entry ${at}`);
      else for (const id of wanted) assert.ok(got.includes(id), `${id} comes again or for the first time`);
    }
  });
  followTest('begins at the end, and sees what comes', async (follow, place, signal) => {
    await place.add(5);
    const controller = new AbortController();
    const { start, batches } = await follow.open({ after: 'end' }, AbortSignal.any([signal, controller.signal]));
    for (const cursor of Object.values(start)) assert.ok(Buffer.byteLength(cursor) <= 2048, 'a cursor is at most 2 KiB');
    const taking = collect(batches, 3);
    await place.add(3);
    const got = await ends('seeing 3 new entries', taking);
    for (const { draft } of got) assertDraft(draft);
    controller.abort();
  });
  followTest('stops at the position that it was given', async (follow, place, signal) => {
    await place.add(10);
    const { start: until } = await follow.open({ after: 'end' }, signal);
    await place.add(5);
    const { batches } = await follow.open({ after: 'beginning', until }, signal);
    const got = await ends('reading up to a position', collect(batches, Number.POSITIVE_INFINITY));
    assert.equal(got.length, 10);
  });
  followTest('ends when its signal aborts', async (follow, _place, signal) => {
    const controller = new AbortController();
    const { batches } = await follow.open({ after: 'end' }, AbortSignal.any([signal, controller.signal]));
    const reading = collect(batches, Number.POSITIVE_INFINITY).catch(() => undefined);
    controller.abort();
    await ends('the follower', reading);
  });
}

interface Seen {
  readonly lane: string;
  readonly cursor: string;
  readonly draft: Draft;
}

async function take(follow: FollowFacet, after: Position | 'beginning', count: number, signal: AbortSignal): Promise<Seen[]> {
  const controller = new AbortController();
  const { batches } = await follow.open({ after }, AbortSignal.any([signal, controller.signal]));
  const got = await ends(`reading ${count} entries`, collect(batches, count));
  controller.abort();
  return got;
}

async function collect(batches: AsyncIterable<Batch>, count: number): Promise<Seen[]> {
  const got: Seen[] = [];
  for await (const batch of batches) {
    assert.ok(Buffer.byteLength(batch.cursor) <= 2048, 'a cursor is at most 2 KiB');
    for (const [index, draft] of batch.entries.entries()) got.push({ lane: batch.lane, cursor: batch.cursorAt(index), draft });
    if (got.length >= count) return got.slice(0, count);
  }
  return got;
}

function fold(seen: readonly Seen[]): Position {
  return Object.fromEntries(seen.map(({ lane, cursor }) => [lane, cursor]));
}

async function all(query: QueryFacet, asked: Query, signal: AbortSignal): Promise<Draft[]> {
  const drafts: Draft[] = [];
  for await (const batch of query.run(asked, runOf(signal))) drafts.push(...batch);
  return drafts;
}

function plain({ id, time, json }: Draft) {
  return { id, time, json };
}

function byId(a: { id: string }, b: { id: string }): number {
  return a.id < b.id ? -1 : 1;
}
