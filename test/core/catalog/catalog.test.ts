import { describe, expect, it } from 'vitest';
import { createCatalog } from '../../../core/catalog/catalog.ts';
import type { Flow } from '../../../core/catalog/lineage.ts';
import { type CatalogEntry, draft, type InstanceInfo, type JsonObject, now, type Source } from '../../../core/contract/index.ts';
import { vocabularyOptions } from '../../../core/dora/vocabulary.ts';
import type { Member } from '../../../core/query/member.ts';
import { engine, never } from '../query/sources.ts';

const FLOWS: Flow[] = [
  { sink: 'api', use: 'http-query-api', how: 'read' },
  { sink: 'ship', use: 'writer', how: 'written' },
  { sink: 'pick', use: 'writer', how: 'written', from: ['app', 'copy'] },
];

function source(type: string, bodies: readonly JsonObject[], more: Partial<Source> = {}): Source & { queries: number } {
  const began = now();
  const made = {
    type,
    queries: 0,
    query: {
      async *run() {
        made.queries++;
        yield bodies.map((body, index) => draft(body, { time: began - index * 1_000_000, id: `id.${index}` }));
      },
    },
    follow: { replay: 'exact' as const, open: () => Promise.reject(new Error('not followed here')) },
    ...more,
  };
  return made;
}

const member = (name: string, made: Source | undefined, more: Partial<Member> = {}): Member => ({
  name,
  label: name.toUpperCase(),
  mirror: made?.mirror ?? false,
  ...(made && { type: made.type, source: made }),
  ...more,
});

function stand(members: readonly Member[], deadline = 5000) {
  let states: InstanceInfo['state'] = 'running';
  const status = (): InstanceInfo[] =>
    members.map(({ name, source }) => ({ kind: 'source', name, use: `use-${name}`, state: source ? states : 'waiting', restarts: 0 }));
  const catalog = createCatalog({
    members: () => members,
    deadline,
    query: engine(members, deadline).query,
    status,
    vocabulary: vocabularyOptions.parse(undefined),
    expects: (name) => (name === 'app' ? { required: ['message', 'team'] } : {}),
    owner: (name) => (name === 'app' ? 'platform team' : null),
    flows: () => FLOWS,
  });
  return {
    catalog,
    restart() {
      states = 'starting';
    },
  };
}

async function only(made: Source | undefined, more: Partial<Member> = {}, deadline = 5000): Promise<CatalogEntry> {
  const [entry] = await stand([member('app', made, more)], deadline).catalog(never);
  return entry as CatalogEntry;
}

describe('the catalogue', () => {
  it('tells of a source what a sample says, when it tells nothing itself', async () => {
    const rows = [
      { message: 'a', level: 'INFO', team: 'x', size: 1 },
      { message: 'b', level: 'INFO', size: null },
    ];
    const entry = await only(source('logs', rows));
    expect(entry).toMatchObject({
      name: 'app',
      type: 'logs',
      label: 'APP',
      use: 'use-app',
      state: 'running',
      owner: 'platform team',
      facets: ['query', 'follow'],
      volume: { entries: 2 },
      retention: 'kept by its owner: this agent deletes nothing',
      backup: expect.stringMatching(/^not backed up: its plugin/),
      quality: { entries: 2, parts: { completeness: { numerator: 1, denominator: 2, score: 50 } } },
      freshness: { age_seconds: 0 },
      notes: ['fields are those of the newest 2 entries'],
    });
    expect(entry.fields).toEqual([
      { name: 'message', kinds: ['string'], distinct: 2, top: { a: 1, b: 1 } },
      { name: 'level', kinds: ['string'], distinct: 1, top: { INFO: 2 } },
      { name: 'team', kinds: ['string'], distinct: 1, top: { x: 1 } },
      { name: 'size', kinds: ['null', 'number'], distinct: 1, top: { 1: 1 } },
    ]);
    expect(entry).not.toHaveProperty('error');
  });

  it('prefers what the source tells', async () => {
    const entry = await only(
      source('metrics', [], {
        fields: async () => [{ name: 'n', kinds: ['integer'] }],
        volume: async () => ({ entries: 7, bytes: 70, newest: 5, estimated: true }),
        retention: { describe: () => 'permanent', apply: async () => [] },
        archive: { export: async () => undefined, restore: async () => undefined },
      }),
    );
    expect(entry).toMatchObject({
      fields: [{ name: 'n', kinds: ['integer'] }],
      volume: { entries: 7, bytes: 70, newest: 5, estimated: true },
      freshness: { newest: 5 },
      retention: 'permanent',
      backup: expect.stringMatching(/^not backed up: no sink/),
      quality: { score: null, class: 'no data' },
    });
  });

  it('does not guess how much there is beyond what it looked at', async () => {
    const many = Array.from({ length: 10_001 }, (_, number) => ({ message: `m${number}`, level: 'INFO' }));
    const entry = await only(source('logs', many));
    expect(entry.quality.entries).toBe(10_000);
    expect(entry.volume).toEqual({ newest: entry.freshness.newest });
    expect(entry.notes).toContainEqual(expect.stringContaining('more than 10000 entries'));
  });

  it('has an entry of a source that is down, that fails, and that hangs, each with its error', async () => {
    const hangs = () => new Promise<never>(() => undefined);
    const down = await only(undefined, { type: 'metrics', error: 'connection refused' });
    expect(down).toMatchObject({ state: 'waiting', error: 'connection refused', quality: { class: 'no data' }, fields: [], facets: [] });
    const failing = source('logs', [{ message: 'a' }], { volume: () => Promise.reject(new Error('no volume today')) });
    expect(await only(failing)).toMatchObject({ error: 'no volume today', quality: { entries: 1 }, volume: { entries: 1 } });
    const hanging = source('logs', [{ message: 'a' }], { fields: hangs });
    expect(await only(hanging, {}, 50)).toMatchObject({ error: expect.stringContaining('within 50 ms'), quality: { entries: 1 } });
    const broken = source('logs', [], {
      query: {
        // biome-ignore lint/correctness/useYield: it fails before it could
        async *run() {
          throw new Error('the disk is gone');
        },
      },
    });
    expect(await only(broken)).toMatchObject({ error: 'the disk is gone', quality: { class: 'no data' } });
  });

  it('knows who is fed: a mirror is written on only when it is named, and what cannot be followed is only read', async () => {
    const { follow: _follow, ...still } = source('logs', []);
    const members = [
      member('app', source('logs', [])),
      member('copy', source('logs', [], { mirror: true })),
      member('other-copy', source('logs', [], { mirror: true })),
      member('still', still),
    ];
    const entries = await stand(members).catalog(never);
    const feeds = Object.fromEntries(entries.map(({ name, feeds }) => [name, feeds.map(({ sink, how }) => `${sink} ${how}`)]));
    expect(feeds).toEqual({
      app: ['api read', 'ship written', 'pick written'],
      copy: ['api read', 'pick written'],
      'other-copy': ['api read'],
      still: ['api read'],
    });
  });

  it('is made once for all who ask, until something starts or stops', async () => {
    const app = source('logs', [{ message: 'a' }]);
    const { catalog, restart } = stand([member('app', app)]);
    const [first, second] = await Promise.all([catalog(never), catalog(never)]);
    expect(second).toBe(first);
    expect(await catalog(never)).toBe(first);
    expect(app.queries).toBe(1);
    restart();
    expect(await catalog(never)).not.toBe(first);
    expect(app.queries).toBe(2);
  });

  it('lets go of who gives up, and answers the others', async () => {
    const { catalog } = stand([member('app', source('logs', [{ message: 'a' }]))]);
    const controller = new AbortController();
    const given = catalog(controller.signal);
    const stays = catalog(never);
    controller.abort(new Error('gone'));
    await expect(given).rejects.toThrow('gone');
    expect(await stays).toHaveLength(1);
  });
});
