import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Log } from '../../../core/contract/index.ts';
import type { Database } from '../../../core/table/database.ts';
import { describeWithMariaDb } from '../../mariadb/server.ts';
import { followOf, mariaShop, quiet, Reader, type Shop, sqliteShop } from './follow-stage.ts';

const passing = (check: () => void) => vi.waitFor(check, { timeout: 10_000, interval: 2 });
const keysOf = (reader: Reader) => reader.ids.map((id) => Number(id.split('.').at(-1)));
const lostOf = (reader: Reader) => reader.batches.flatMap(({ lost }) => lost ?? []);
const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

/** A database that answers nothing while it is shut, so that a reader sees what happens meanwhile at once. */
function gated(database: Database): { readonly database: Database; shut(): Promise<void>; open(): void } {
  let reads = 0;
  let gate: { readonly opened: Promise<void>; open(): void } | undefined;
  return {
    database: {
      dialect: database.dialect,
      write: database.write,
      async read(sql, signal) {
        await gate?.opened;
        reads++;
        return database.read(sql, signal).finally(() => reads--);
      },
    },
    async shut() {
      let open = () => undefined as void;
      const opened = new Promise<void>((resolve) => {
        open = resolve;
      });
      gate = { opened, open };
      await passing(() => expect(reads).toBe(0));
    },
    open() {
      gate?.open();
      gate = undefined;
    },
  };
}

function changeTests(open: () => Promise<Shop>): void {
  let shop: Shop;
  let day = 0;
  beforeAll(async () => {
    shop = await open();
  });
  afterAll(() => shop?.close());

  async function add(keys: readonly (number | bigint)[]): Promise<void> {
    const time = new Date(Date.UTC(2025, 0, ++day)).toISOString().slice(0, 10);
    for (let at = 0; at < keys.length; at += 500) {
      const values = keys.slice(at, at + 500).map((key) => `(${key}, '${time} 02:00:00.000000')`);
      await shop.run(`INSERT INTO things (id, created_at) VALUES ${values.join(', ')}`);
    }
  }

  it.each([
    ['more', 60],
    ['as many', 50],
    ['fewer', 10],
  ])('gives what a table has after it was emptied and got %s rows at once, and says so', async (_, count) => {
    await shop.empty();
    await add(upTo(50));
    let now = Date.now();
    const gate = gated(shop.database);
    const reader = await Reader.open(followOf({ ...shop, database: gate.database }, { now: () => now }), 'end');
    await add([51]);
    await passing(() => expect(keysOf(reader)).toEqual([51]));
    now += 6000;
    await add([52]);
    await passing(() => expect(keysOf(reader)).toEqual([51, 52]));
    await gate.shut();
    await shop.empty();
    await add(upTo(count));
    now += 6000;
    gate.open();
    await passing(() => expect(keysOf(reader)).toEqual([51, 52, ...upTo(count)]));
    expect(lostOf(reader)).toEqual([{ lane: '', reason: expect.stringContaining('the table was emptied, and its keys began anew') }]);
    now += 6000;
    await add([count + 1]);
    await passing(() => expect(keysOf(reader)).toEqual([51, 52, ...upTo(count + 1)]));
    expect(lostOf(reader)).toHaveLength(1);
    await reader.stop();
  });

  it('says that a table was emptied, and gives what comes then', async () => {
    await shop.empty();
    await add(upTo(5));
    let now = Date.now();
    const reader = await Reader.open(followOf(shop, { now: () => now }), 'beginning');
    await passing(() => expect(reader.ids).toHaveLength(5));
    await shop.run('DELETE FROM things');
    now += 6000;
    await passing(() => expect(lostOf(reader)).toEqual([{ lane: '', reason: expect.stringMatching(/^the table was emptied: /) }]));
    await add([6]);
    await passing(() => expect(keysOf(reader)).toEqual(upTo(6)));
    await add([2]);
    await passing(() => expect(keysOf(reader)).toEqual([...upTo(6), 2]));
    await reader.stop();
  });

  it('says that the newest rows were deleted, gives none again, and gives what takes their keys', async () => {
    await shop.empty();
    await add(upTo(50));
    let now = Date.now();
    const reader = await Reader.open(followOf(shop, { now: () => now }), 'beginning');
    await passing(() => expect(reader.ids).toHaveLength(50));
    await shop.run('DELETE FROM things WHERE id > 40');
    now += 6000;
    await passing(() =>
      expect(lostOf(reader)).toEqual([{ lane: '', reason: expect.stringContaining('the newest rows of the table were deleted') }]),
    );
    await add([41, 60]);
    await passing(() => expect(keysOf(reader)).toEqual([...upTo(50), 41, 60]));
    expect(reader.position['']).toMatch(/^60\.42\./);
    await reader.stop();
  });

  it('lets the oldest rows be deleted; gives the newest again when it was changed, as it may be another one', async () => {
    await shop.empty();
    await add(upTo(50));
    let now = Date.now();
    const reader = await Reader.open(followOf(shop, { now: () => now }), 'beginning');
    await passing(() => expect(reader.ids).toHaveLength(50));
    await shop.run('DELETE FROM things WHERE id < 20');
    now += 6000;
    await add([51]);
    await passing(() => expect(reader.ids).toHaveLength(51));
    await shop.run("UPDATE things SET created_at = '2026-01-01 00:00:00.000000' WHERE id = 51");
    now += 6000;
    await add([52]);
    await passing(() => expect(keysOf(reader)).toEqual([...upTo(51), 51, 52]));
    expect(lostOf(reader)).toEqual([{ lane: '', reason: expect.stringContaining('the row of key 51 is another one') }]);
    await shop.run("UPDATE things SET created_at = '2026-01-02 00:00:00.000000' WHERE id IN (20, 21, 30)");
    await shop.run('DELETE FROM things WHERE id IN (20, 40, 52)');
    now += 6000;
    await passing(() => expect(lostOf(reader)).toHaveLength(2));
    expect(lostOf(reader)[1]?.reason).toContain('the newest rows of the table were deleted');
    now += 6000;
    await add([53]);
    await passing(() => expect(keysOf(reader)).toEqual([...upTo(51), 51, 52, 53]));
    await reader.stop();
  });

  it('meets an emptied table after a restart, and reads it from its beginning', async () => {
    await shop.empty();
    await add(upTo(3));
    const warned: string[] = [];
    const log: Log = { ...quiet, warn: (text) => void warned.push(text) };
    const follow = followOf(shop, { log });
    const reader = await Reader.open(follow, { '': '500' });
    await passing(() => expect(keysOf(reader)).toEqual(upTo(3)));
    const told = expect.stringContaining('while nobody read (its newest key is 3, and it was read up to 500)');
    expect([lostOf(reader), warned]).toEqual([[{ lane: '', reason: told }], [told]]);
    await reader.stop();
    expect((await Reader.between(follow, { '': '500' }, { '': '3' })).map(({ id }) => id)).toEqual(reader.ids);
    await shop.run('DELETE FROM things WHERE id = 2');
    const other = await Reader.open(follow, { '': '2' });
    await passing(() => expect(keysOf(other)).toEqual([3]));
    expect(lostOf(other)).toEqual([]);
    await other.stop();
  });

  it.each([
    ['the newest row', 'DELETE FROM things WHERE id = 50', [50]],
    ['the newest rows', 'DELETE FROM things WHERE id > 46', [47, 48, 49, 50, 51]],
    ['all but the first row', 'DELETE FROM things WHERE id > 1', [2, 30, 50, 60]],
  ])('gives what took the keys of %s', async (_, sql, keys) => {
    await shop.empty();
    await add(upTo(50));
    let now = Date.now();
    const gate = gated(shop.database);
    const reader = await Reader.open(followOf({ ...shop, database: gate.database }, { now: () => now }), 'beginning');
    await passing(() => expect(reader.ids).toHaveLength(50));
    now += 6000;
    await add([51]);
    await passing(() => expect(reader.ids).toHaveLength(51));
    await shop.run('DELETE FROM things WHERE id = 51');
    now += 6000;
    await passing(() => expect(lostOf(reader)).toHaveLength(1));
    await gate.shut();
    await shop.run(sql);
    await add(keys);
    now += 6000;
    gate.open();
    await passing(() => expect(keysOf(reader)).toEqual([...upTo(51), ...keys]));
    expect(lostOf(reader)).toHaveLength(2);
    await reader.stop();
  });

  it('is not disturbed by rows that are taken away in any order', async () => {
    await shop.empty();
    await add(upTo(50));
    let now = Date.now();
    const reader = await Reader.open(followOf(shop, { now: () => now }), 'beginning');
    await passing(() => expect(reader.ids).toHaveLength(50));
    for (let key = 51; key < 60; key++) {
      await add([key]);
      await passing(() => expect(reader.ids).toHaveLength(key));
      await shop.run(`DELETE FROM things WHERE id IN (${key - 50}, ${key - 1}, ${key - 7})`);
      now += 6000;
    }
    expect(keysOf(reader)).toEqual(upTo(59));
    expect(lostOf(reader)).toEqual([]);
    await reader.stop();
  });

  it('counts rows in gaps that were given up early, also when these are too many to remember each', async () => {
    await shop.empty();
    let now = Date.now();
    const warned: string[] = [];
    const log: Log = { ...quiet, warn: (text) => void warned.push(text) };
    const follow = followOf(shop, { late: 60_000, now: () => now, log });
    await add([1]);
    const reader = await Reader.open(follow, 'beginning');
    // A linear congruence: gaps of 1 to 1009 keys.
    const keys: number[] = [];
    for (let n = 1; n <= 3000; n++) keys.push((keys.at(-1) ?? 1000) + 2 + ((n * 7919) % 1009));
    await add(keys);
    await passing(() => expect(reader.ids).toHaveLength(3001));
    let last = keys.at(-1) as number;
    /** Two rows one after the other: between them the reader has ended a poll. */
    async function polled(): Promise<void> {
      for (let n = 0; n < 2; n++) {
        await add([++last]);
        await passing(() => expect(keysOf(reader)).toContain(last));
      }
    }
    await polled();
    await add([500, (keys[9] as number) + 1, (keys[2300] as number) + 1]);
    for (let n = 0; n < 3; n++) {
      now += 4000;
      await polled();
    }
    expect(lostOf(reader).reduce((sum, { entries = 0 }) => sum + entries, 0)).toBe(3);
    for (const { reason } of lostOf(reader)) expect(reason).toContain('given up early: the gaps between keys are too many to remember');
    expect(lostOf(reader).map(({ reason }) => reason)).toContainEqual(expect.stringMatching(/: keys \d+$/));
    expect(lostOf(reader).map(({ reason }) => reason)).toContainEqual(expect.stringMatching(/by counting$/));
    expect(warned).toEqual(['there are more gaps in the keys than a cursor holds; rows that appear in the lowest are counted as lost']);
    await reader.stop();
  });

  it('tells a column that is added meanwhile', async () => {
    await shop.empty();
    let { table } = shop;
    const { database } = shop;
    const reader = await Reader.open(followOf({ ...shop, database }, { table: () => table }), 'beginning');
    await add([1]);
    await passing(() => expect(reader.ids).toHaveLength(1));
    await shop.run('ALTER TABLE things ADD COLUMN extra INT DEFAULT 7');
    const extra = { field: 'extra', column: 'extra', kind: 'integer', nullable: true, defaulted: true } as const;
    table = { ...table, columns: [...table.columns, extra] };
    await add([2]);
    await passing(() => expect(reader.seen.map(({ draft }) => JSON.parse(draft.json).extra)).toEqual([undefined, 7]));
    await reader.stop();
  });
}

describe('following a table of SQLite that changes', () => changeTests(sqliteShop));
describeWithMariaDb('following a table of MariaDB that changes', () => changeTests(mariaShop));
