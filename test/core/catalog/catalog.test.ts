import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createCatalog } from '../../../core/catalog/catalog.ts';
import type { Flow } from '../../../core/catalog/lineage.ts';
import {
  type CatalogEntry,
  draft,
  formatTime,
  type InstanceInfo,
  type JsonObject,
  now,
  type Source,
} from '../../../core/contract/index.ts';
import { vocabularyOptions } from '../../../core/dora/vocabulary.ts';
import type { Member } from '../../../core/query/member.ts';
import jsonLogs from '../../../plugins/json-logs/index.ts';
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

function stand(members: readonly Member[], deadline = 5000, query = engine(members, deadline).query) {
  let states: InstanceInfo['state'] = 'running';
  const status = (): InstanceInfo[] =>
    members.map(({ name, source }) => ({ kind: 'source', name, use: `use-${name}`, state: source ? states : 'waiting', restarts: 0 }));
  const catalog = createCatalog({
    members: () => members,
    deadline,
    query,
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

afterEach(() => vi.useRealTimers());

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

  it('measures quality by what the source tells of its fields, and by what it left out', async () => {
    const rows = Array.from({ length: 8 }, () => ({ message: 7 }));
    const made = source('logs', rows, { fields: async () => ['message', 'level'].map((name) => ({ name, kinds: ['string'] })) });
    const { run } = made.query as NonNullable<Source['query']>;
    const noting: Source = {
      ...made,
      query: {
        async *run(query, asked) {
          asked.note('malformed', '1 line', 1);
          asked.note('malformed:app.log', '2 lines', 2);
          asked.note('no-time', '4 rows', 4);
          asked.note('no-file', 'no file matches', 8);
          yield* run(query, asked);
        },
      },
    };
    const { quality } = await only(noting);
    expect(quality.parts.validity).toMatchObject({ numerator: 0, denominator: 15 });
    const { completeness } = (await only(noting, { name: 'other' })).quality.parts;
    expect(completeness).toMatchObject({ score: 0, rule: expect.stringContaining('level, message') });
  });

  it('takes a point from validity for each line in a hundred that is none, or has no time', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cauce-catalog-'));
    const line = (index: number) => `{"timestamp":"${formatTime(now() - index * 1000)}","level":"INFO","message":"line ${index}"}`;
    const lines = Array.from({ length: 1000 }, (_, index) =>
      index % 20 === 5 ? '{"half' : index % 20 === 15 ? '{"message":"when?"}' : line(index),
    );
    await writeFile(join(folder, 'app.log'), `${lines.join('\n')}\n`);
    const controller = new AbortController();
    const { signal } = controller;
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const options = jsonLogs.options.parse({ paths: join(folder, 'app.log') });
    const state = { get: async () => undefined, set: async () => undefined, delete: async () => undefined };
    const logs = jsonLogs.create({ id: 'logs', host: 'h', options, log, signal, state });
    await logs.start?.(signal);
    const [entry] = await stand([member('logs', logs)]).catalog(never);
    await logs.stop?.();
    controller.abort();
    await rm(folder, { recursive: true });
    expect(entry?.quality.parts).toMatchObject({
      validity: { numerator: 900, denominator: 1000, score: 90 },
      completeness: { numerator: 900, denominator: 900 },
      consistency: { score: 100 },
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

  it('tells a reason once, also when the source is left alone because of it', async () => {
    const refuse = () => Promise.reject(new Error('connection refused'));
    const gone = source('logs', [], {
      volume: refuse,
      query: {
        // biome-ignore lint/correctness/useYield: it fails before it could
        async *run() {
          await refuse();
        },
      },
    });
    const members = [member('app', gone)];
    const { query } = engine(members);
    for (let n = 0; n < 3; n++) await query('logs', {}, never);
    const [entry] = await stand(members, 5000, query).catalog(never);
    expect(entry?.error).toMatch(/^is not asked: it failed 3 times in a row \(last: connection refused\)[^;]*; it is asked again in \d s$/);
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
    expect(entries.map(({ mirror }) => mirror)).toEqual([false, true, true, false]);
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
    await Promise.all([catalog(never), catalog(never)]);
    await catalog(never);
    expect(app.queries).toBe(1);
    restart();
    await catalog(never);
    expect(app.queries).toBe(2);
  });

  it('tells the age as it is when it is handed out, also of what was made before', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    const app = source('logs', [{ message: 'a' }]);
    const { catalog } = stand([member('app', app)]);
    const age = async () => (await catalog(never))[0]?.freshness.age_seconds;
    expect(await age()).toBe(0);
    vi.advanceTimersByTime(45_000);
    expect([await age(), app.queries]).toEqual([45, 1]);
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
