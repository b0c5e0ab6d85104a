import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Log, RequestError } from '../../../core/contract/index.ts';
import { keepReading } from '../../../core/feed/keep-reading.ts';
import type { Database } from '../../../core/table/database.ts';
import { describeWithMariaDb } from '../../mariadb/server.ts';
import { type Begun, followOf, mariaShop, quiet, Reader, type Shop, sqliteShop } from './follow-stage.ts';

const LONG = process.env['CAUCE_TEST_LONG'] !== undefined;
const FOREVER = new AbortController().signal;

/** What happens to the table and to its reader. Numbers choose among what there is. */
const events = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.constant({ do: 'begin' } as const) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('commit' as const), which: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('roll back' as const), which: fc.nat() }) },
    { weight: 2, arbitrary: fc.constant({ do: 'wait' } as const) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('resume' as const), which: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('hand over' as const), which: fc.nat() }) },
  ),
  { minLength: 30, maxLength: 90 },
);
type Event = typeof events extends fc.Arbitrary<readonly (infer E)[]> ? E : never;

const passing = (check: () => void) => vi.waitFor(check, { timeout: 10_000, interval: 2 });
const sorted = (keys: Iterable<string | bigint>) =>
  [...keys].map((key) => BigInt(String(key).split('.').at(-1) as string)).sort((a, b) => Number(a - b));

/** Polls by `(time, id)`, as one does who does not know better. */
class Naive {
  readonly seen: bigint[] = [];
  #time = '0001-01-01 00:00:00';
  #id = 0n;

  async poll(database: Database): Promise<void> {
    const text = 'SELECT created_at, id FROM things WHERE created_at > ? OR (created_at = ? AND id > ?) ORDER BY created_at, id';
    for (const [time, id] of await database.read({ text, values: [this.#time, this.#time, this.#id] }, FOREVER)) {
      this.#time = String(time);
      this.#id = BigInt(id as number);
      this.seen.push(this.#id);
    }
  }
}

/** One schedule on a table; answers how many rows the naive reader missed. */
async function play(shop: Shop, schedule: readonly Event[]): Promise<number> {
  await shop.empty();
  const follow = followOf(shop);
  const naive = new Naive();
  const open: Begun[] = [];
  const committed: bigint[] = [];
  let got: { id: string; cursor: string }[] = [];
  let reader = await Reader.open(follow, 'beginning');

  async function end(which: number, how: 'commit' | 'rollBack'): Promise<void> {
    const [transaction] = open.splice(which % open.length, 1);
    if (!transaction) return;
    await transaction[how]();
    if (how === 'commit') committed.push(transaction.key);
  }
  /** The reader stops, forgets what it read behind a random entry, and goes on there. */
  async function resume(which: number): Promise<void> {
    await reader.stop();
    got.push(...reader.seen);
    got = got.slice(0, which % (got.length + 1));
    reader = await Reader.open(follow, { '': got.at(-1)?.cursor ?? '' });
  }
  /** Another one reads from a random entry to where the reader stands now, and then has exactly what the reader has. */
  async function handOver(which: number): Promise<void> {
    const [until, all] = [reader.position, [...got, ...reader.seen]];
    const known = all.slice(0, which % (all.length + 1));
    const after = known.length > 0 ? { '': known.at(-1)?.cursor as string } : 'beginning';
    for (let more = 0; more < 2 && open.length > 0; more++) await end(which, 'commit');
    const rest = await Reader.between(follow, after, until);
    expect(sorted([...known, ...rest].map(({ id }) => id))).toEqual(sorted(all.map(({ id }) => id)));
  }

  for (const event of schedule) {
    if (event.do === 'begin' && open.length < 8) open.push(await shop.begin());
    if (event.do === 'commit' && open.length > 0) await end(event.which, 'commit');
    if (event.do === 'roll back' && open.length > 0) await end(event.which, 'rollBack');
    if (event.do === 'resume') await resume(event.which);
    if (event.do === 'hand over') await handOver(event.which);
    if (event.do === 'wait') {
      await new Promise((resolve) => setTimeout(resolve, 4));
      await naive.poll(shop.database);
    }
  }
  while (open.length > 0) await end(0, 'commit');
  await naive.poll(shop.database);
  await passing(() => expect(got.length + reader.seen.length).toBeGreaterThanOrEqual(committed.length));
  await reader.stop();
  got.push(...reader.seen);
  expect(sorted(got.map(({ id }) => id))).toEqual(sorted(committed));
  for (const { cursor } of got) expect(Buffer.byteLength(cursor)).toBeLessThanOrEqual(2048);
  const { start } = await follow.open({ after: 'end' }, FOREVER);
  expect(await Reader.between(follow, { '': got.at(-1)?.cursor ?? '' }, start)).toEqual([]);
  return committed.filter((key) => !naive.seen.includes(key)).length;
}

function followTests(open: () => Promise<Shop>): void {
  let shop: Shop;
  beforeAll(async () => {
    shop = await open();
  });
  afterAll(() => shop?.close());

  it('gives every committed row exactly once, in whatever order transactions end, wherever it resumes; a naive reader does not', async () => {
    let missed = 0;
    await fc.assert(
      fc.asyncProperty(events, async (schedule) => {
        missed += await play(shop, schedule);
      }),
      { ...(LONG ? { numRuns: 200 } : { numRuns: 8, seed: 4 }), endOnFailure: true },
    );
    expect(missed).toBeGreaterThan(0);
  }, 300_000);

  it('begins at the end, and still sees what an open transaction commits below it', async () => {
    await shop.empty();
    const [first, second, third] = [await shop.begin(), await shop.begin(), await shop.begin()];
    await first.commit();
    await third.commit();
    const reader = await Reader.open(followOf(shop), 'end');
    expect(reader.start).not.toBe('');
    await second.commit();
    await passing(() => expect(sorted(reader.ids)).toEqual([second.key]));
    const [fourth] = [await shop.begin()];
    await fourth.commit();
    await passing(() => expect(sorted(reader.ids)).toEqual([second.key, fourth.key]));
    await reader.stop();
  });

  it('waits for a late row for as long as it says, then counts it as lost, once', async () => {
    await shop.empty();
    let now = Date.now();
    const follow = followOf(shop, { late: 60_000, now: () => now });
    const [first, second, third, fourth] = [await shop.begin(), await shop.begin(), await shop.begin(), await shop.begin()];
    await fourth.commit();
    const reader = await Reader.open(follow, 'beginning');
    await passing(() => expect(sorted(reader.ids)).toEqual([fourth.key]));
    now += 59_000;
    await first.commit();
    await passing(() => expect(sorted(reader.ids)).toEqual([first.key, fourth.key]));
    now += 10_000;
    let told = 0n;
    do told = await polledTwice(shop, reader);
    while (reader.position['']?.includes('.'));
    await second.commit();
    now += 10_000;
    await passing(() => expect(reader.batches.filter(({ lost }) => lost)).toHaveLength(1));
    await third.rollBack();
    now += 10_000;
    await polledTwice(shop, reader);
    const [lost] = reader.batches.flatMap((batch) => batch.lost ?? []);
    expect(lost).toEqual({
      lane: '',
      entries: 1,
      reason: expect.stringContaining(`later than late (1 minute) allows for after rows with higher keys: keys ${second.key}`),
    });
    expect(reader.batches.filter((batch) => batch.lost)).toHaveLength(1);
    expect(sorted(reader.ids)).toContain(told);
    expect(sorted(reader.ids)).not.toContain(second.key);
    await reader.stop();
  });

  it('gives a row that was committed while nobody read, hours later', async () => {
    await shop.empty();
    let now = Date.now();
    const follow = followOf(shop, { late: 60_000, now: () => now });
    const [late, early] = [await shop.begin(), await shop.begin()];
    await early.commit();
    const before = await Reader.open(follow, 'beginning');
    await passing(() => expect(sorted(before.ids)).toEqual([early.key]));
    await before.stop();
    await late.commit();
    now += 5 * 3_600_000;
    const reader = await Reader.open(follow, before.position);
    await passing(() => expect(sorted(reader.ids)).toEqual([late.key]));
    await reader.stop();
  });

  it('passes over a row without a time, says so, and moves on', async () => {
    await shop.empty();
    const told: unknown[] = [];
    const log: Log = { ...quiet, warn: (text, fields) => told.push([text, fields]) };
    for (const key of [1, 2, 3])
      await shop.run('INSERT INTO things (id, created_at) VALUES (?, ?)', [key, key === 1 ? '2025-11-07 02:00:00.000001' : null]);
    const reader = await Reader.open(followOf(shop, { log }), 'beginning');
    await passing(() => expect(reader.position).toEqual({ '': '3' }));
    expect([reader.seen.map(({ cursor }) => cursor), reader.batches[0]?.cursor]).toEqual([['1'], '3']);
    expect(told).toEqual([['rows without a time are no entries, and are passed over', { table: 'things', column: 'created_at', rows: 2 }]]);
    await reader.stop();
  });

  it('reads many pages, and a hole of many pages', async () => {
    await shop.empty();
    const rows = (from: number, to: number) => {
      const values = Array.from({ length: to - from + 1 }, (_, index) => `(${from + index}, '2025-11-07 02:00:00.000000')`);
      return shop.run(`INSERT INTO things (id, created_at) VALUES ${values.join(', ')}`);
    };
    await rows(3001, 5500);
    const follow = followOf(shop);
    const reader = await Reader.open(follow, 'beginning');
    await passing(() => expect(reader.seen).toHaveLength(2500));
    const { position } = reader;
    await rows(1, 2800);
    await passing(() => expect(reader.seen).toHaveLength(5300));
    expect(new Set(reader.ids).size).toBe(5300);
    expect(await Reader.between(follow, position, reader.position)).toHaveLength(2800);
    await reader.stop();
  });

  it('refuses a cursor that is none', async () => {
    for (const cursor of ['x', '1.2.3', '99999999999999999999']) {
      const table = { ...shop.table, key: { ...shop.table.key, range: [0n, 2n ** 63n - 1n] as const } };
      await expect(followOf({ ...shop, table }).open({ after: { '': cursor } }, FOREVER)).rejects.toThrow(RequestError);
    }
  });

  it('loses nothing when the database fails, and the core reads on', async () => {
    await shop.empty();
    let reads = 0;
    const broken: Database = {
      dialect: shop.database.dialect,
      write: () => Promise.reject(new Error('a follower does not write')),
      read: async (sql, signal) => {
        if ((++reads * 7919) % 11 < 3) throw new Error('the connection was lost');
        return shop.database.read(sql, signal);
      },
    };
    const controller = new AbortController();
    const got: string[] = [];
    let position = {};
    let failures = 0;
    const source = { type: 'metrics', follow: followOf({ ...shop, database: broken }) };
    const keeper = {
      after: () => position,
      opened: () => undefined,
      batch(batch: Reader['batches'][0]) {
        got.push(...batch.entries.map(({ id }) => id));
        position = { '': batch.cursor };
      },
      failed: () => void failures++,
      untidy: () => undefined,
    };
    const reading = keepReading(source, keeper, controller.signal);
    const keys: bigint[] = [];
    for (let n = 0; n < 4; n++) {
      const [late, early] = [await shop.begin(), await shop.begin()];
      await early.commit();
      await passing(() => expect(sorted(got)).toContain(early.key));
      await late.commit();
      keys.push(late.key, early.key);
    }
    await passing(() => expect(sorted(got)).toEqual(sorted(keys)));
    expect(failures).toBeGreaterThan(0);
    controller.abort();
    await reading;
  });
}

/** Commits two rows one after the other, and waits for each. */
async function polledTwice(shop: Shop, reader: Reader): Promise<bigint> {
  let last = 0n;
  for (let n = 0; n < 2; n++) {
    const row = await shop.begin();
    await row.commit();
    await passing(() => expect(sorted(reader.ids)).toContain(row.key));
    last = row.key;
  }
  return last;
}

describe('following a table of SQLite', () => followTests(sqliteShop));
describeWithMariaDb('following a table of MariaDB', () => {
  followTests(mariaShop);
});
