import { describe, expect, it } from 'vitest';
import type { Draft, PageRequest, Plan, QueryFacet, Run } from '../../../core/contract/index.ts';
import { RequestError } from '../../../core/contract/index.ts';
import { engine, entry, listSource, member, never, plain } from './sources.ts';

const rows = [entry(3, 'c', { n: 1 }), entry(2, 'b', { n: 2 })];
const app = () => member('app', { query: listSource(() => rows, plain) }, { label: 'JSON log file' });

describe('what is asked', () => {
  it('says how to add a source when there is none', async () => {
    const page = await engine([app()]).query('metrics', {}, never);
    expect(page).toEqual({
      entries: [],
      sources: [],
      notes: [
        'no metrics source is configured; add one under sources: in the configuration, e.g. dora: { use: sqlite-metrics } or dora: { use: mysql-metrics, … }',
      ],
    });
    expect((await engine([]).latest('health', {}, never)).notes[0]).toMatch(/no health source .* health: \{ use: health-script/);
  });

  it('names the valid sources when one is unknown', async () => {
    const agent = engine([app(), member('dora', {}, { type: 'metrics' })]);
    await expect(agent.query('logs', { sources: ['ap'] }, never)).rejects.toThrow(
      'there is no source "ap"; did you mean app? (sources of type logs: app)',
    );
    await expect(agent.query('logs', { sources: ['dora'] }, never)).rejects.toThrow(/"dora" is of type metrics, not logs/);
    await expect(agent.latest('logs', { sources: ['x'] }, never)).rejects.toMatchObject({ parameter: 'source' });
  });

  it('asks only the named sources', async () => {
    const page = await engine([app(), member('other', { query: { run: never.throwIfAborted as never } })]).query(
      'logs',
      { sources: ['app'] },
      never,
    );
    expect(page.sources.map((source) => source.name)).toEqual(['app']);
  });

  it('reports what does not run, whatever type was asked for', async () => {
    const lost: Parameters<typeof engine>[0][number] = { name: 'lost', label: 'lost', mirror: false, error: 'cannot find package' };
    const members = [app(), member('down', undefined, { error: 'refused' }), member('push', {}), member('idle', undefined), lost];
    const page = await engine(members).query('logs', {}, never);
    expect(page.sources.map(({ name, label, status, error }) => [name, label, status, error])).toEqual([
      ['app', 'JSON log file', 'ok', undefined],
      ['down', 'down', 'failed', 'refused'],
      ['push', 'push', 'failed', 'it cannot be queried: its plugin has no query facet'],
      ['idle', 'idle', 'failed', 'it is not running'],
      ['lost', 'lost', 'failed', 'cannot find package'],
    ]);
    expect((await engine(members).query('health', {}, never)).sources).toMatchObject([{ name: 'lost', status: 'failed' }]);
  });

  it.each<[string, unknown]>([
    ['order', { order: 'sideways' }],
    ['limit', { limit: 0 }],
    ['limit', { limit: 1.5 }],
    ['from', { from: 5, to: 5 }],
    ['from', { from: Number.NaN }],
    ['to', { to: 'now' }],
    ['where', { where: [{ field: 'a', op: '=' }] }],
    ['search', { where: [{ search: '' }] }],
    ['cursor', { cursor: 'nonsense' }],
  ])('refuses a wrong %s', async (parameter, request) => {
    const asked = engine([app()]).query('logs', request as PageRequest, never);
    await expect(asked).rejects.toBeInstanceOf(RequestError);
    await expect(asked).rejects.toMatchObject({ parameter });
  });
});

describe('what is answered', () => {
  it('stamps the entries and passes their text through', async () => {
    const draft: Draft = { id: 'x', time: 7, json: '{"b":1, "a":"é"}', origin: 'elsewhere' };
    const page = await engine([member('app', { query: { run: () => once([draft]) } })]).query('logs', {}, never);
    const [one] = page.entries;
    expect(one).toMatchObject({ type: 'logs', source: 'app', time: 7, origin: 'elsewhere' });
    expect([one?.id, one?.json, one?.body]).toEqual(['x', '{"b":1, "a":"é"}', { b: 1, a: 'é' }]);
  });

  it('adds up the remarks of a source by their code', async () => {
    const run = (_: unknown, { note }: Run) => {
      note('bad-line', 'lines that are not JSON were skipped, the first at app.log:1');
      note('bad-line', 'again', 2);
      note('absent', 'app.log.1 is absent');
      for (let code = 0; code < 30; code++) note(`code${code}`, `remark ${code}`);
      return once([]);
    };
    const page = await engine([member('app', { query: { run } })]).query('logs', {}, never);
    expect(page.notes.slice(0, 2)).toEqual(['again (3 in all)', 'app.log.1 is absent']);
    expect(page.notes.at(-1)).toBe('app: 12 more remarks');
  });
});

describe('latest', () => {
  const state: Draft = { id: 'now', time: 5, json: '{"status":"ok"}' };
  it('asks all that tell a present state, and leaves out history', async () => {
    const members = [
      member('disk', { latest: async () => [state] }),
      member('history', { query: listSource(() => rows, plain) }),
      member('slow', { latest: () => new Promise(() => undefined) }),
      member('bad', { latest: async () => [{ ...state, json: 'nonsense' }] }),
      member('sync', { latest: () => never.throwIfAborted() as never }),
      member('down', undefined, { error: 'refused' }),
    ];
    const page = await engine(members, 80).latest('logs', {}, never);
    expect(page.entries.map((one) => [one.source, one.body])).toEqual([['disk', { status: 'ok' }]]);
    expect(page.sources.map((source) => [source.name, source.status])).toEqual([
      ['disk', 'ok'],
      ['slow', 'timeout'],
      ['bad', 'failed'],
      ['sync', 'failed'],
      ['down', 'failed'],
    ]);
    const named = await engine(members).latest('logs', { sources: ['history'] }, never);
    expect(named.sources).toMatchObject([{ name: 'history', status: 'failed', error: expect.stringMatching(/no latest facet/) }]);
  });
});

describe('a source that breaks a rule', () => {
  const good: Draft = { id: 'a', time: 5, json: '{}' };
  const exact: Plan = { where: [], order: 'exact', range: true, seeks: true };
  const given = (drafts: unknown, plan?: unknown): QueryFacet => ({
    ...(plan !== undefined && { plan: () => plan as Plan }),
    run: () => once(drafts as Draft[]),
  });
  it.each<[string, QueryFacet, RegExp]>([
    ['a long id', given([{ ...good, id: 'x'.repeat(97) }]), /id is 1 to 96 characters/],
    ['an id with a space', given([{ ...good, id: 'a b' }]), /id is 1 to 96/],
    ['an id that is not ASCII', given([{ ...good, id: 'é' }]), /printable ASCII/],
    ['no id', given([{ time: 1, json: '{}' }]), /id is/],
    ['a time that is no number', given([{ ...good, time: Number.NaN }]), /time is a whole number of microseconds/],
    ['a time in fractions', given([{ ...good, time: 1.5 }]), /time is a whole number/],
    ['JSON that is broken', given([{ ...good, json: '{"a":' }]), /json is one JSON object/],
    ['JSON that is no object', given([{ ...good, json: '[1]' }]), /json is a JSON object/],
    ['JSON null', given([{ ...good, json: 'null' }]), /json is a JSON object/],
    ['JSON on two lines', given([{ ...good, json: '{\n}' }]), /on one line/],
    ['JSON beside its body', given([{ ...good, json: 'oops', body: {} }]), /json is one JSON object/],
    ['a body that is a list', given([{ ...good, body: [] }]), /body is the object of json/],
    ['an entry that is none', given([null]), /entries are objects/],
    ['a batch that is none', given('abc'), /run\(\) yields lists/],
    ['no iterable', { run: () => undefined as never }, /AsyncIterable/],
    ['a plan that is none', given([good], null), /plan\(\) returns/],
    ['a plan of the wrong length', given([good], { ...exact, where: ['exact'] }), /for each of the 0 conditions/],
    ['a plan with a wrong order', given([good], { ...exact, order: 'random' }), /plan\(\).order is one of/],
    ['a plan without a range', given([good], { ...exact, range: undefined }), /booleans/],
    ['disorder', given([good, { ...good, time: 6 }], exact), /order: 'exact'.*newest first/],
    ['disorder among equal times', given([good, { ...good, id: 'b' }], exact), /order: 'exact'/],
    ['disorder by time', given([good, { ...good, time: 6 }], { ...exact, order: 'time' }), /order: 'time'/],
    ['what is out of range', given([{ ...good, time: 99 }], exact), /range: true/],
  ])('by %s fails with a message to its author', async (_, query, message) => {
    const well = member('well', { query: listSource(() => rows, plain) });
    const page = await engine([member('ill', { query }), well]).query('logs', { to: 50 }, never);
    const [ill, other] = page.sources;
    expect(ill).toMatchObject({ status: 'failed', error: expect.stringMatching(message) });
    expect(ill?.error).toMatch(/^the plugin breaks a rule of the contract: /);
    expect(other).toMatchObject({ status: 'ok', count: 2 });
    for (const one of page.entries) JSON.parse(one.json);
  });

  it('by repeating what was before `after`', async () => {
    const agent = engine([member('ill', { query: given([entryOf(9), entryOf(8), entryOf(7)], exact) })]);
    const first = await agent.query('logs', { limit: 1 }, never);
    const second = await agent.query('logs', { limit: 1, ...(first.next && { cursor: first.next }) }, never);
    expect(second.sources[0]?.error).toMatch(/seeks: true/);
  });
});

function entryOf(time: number): Draft {
  return { id: `i${time}`, time, json: '{}' };
}

async function* once(drafts: readonly Draft[]): AsyncIterable<readonly Draft[]> {
  yield drafts;
}
