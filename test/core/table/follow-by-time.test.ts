import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { RequestError } from '../../../core/contract/index.ts';
import { describeWithMariaDb } from '../../mariadb/server.ts';
import { followOf, mariaShop, Reader, type Shop, sqliteShop } from './follow-stage.ts';

const FOREVER = new AbortController().signal;
const passing = (check: () => void) => vi.waitFor(check, { timeout: 10_000, interval: 2 });
/** 2025-11-07, 02:00. */
const START = 1_762_480_800_000;
const LATE = 600_000;

function followTests(open: () => Promise<Shop>): void {
  let shop: Shop;
  let names: Shop;
  /** Inserts rows by their names, so many seconds after the start. */
  async function add(...rows: readonly (readonly [name: string, seconds: number])[]): Promise<void> {
    for (const [name, seconds] of rows) {
      await shop.run('INSERT INTO names (id, created_at) VALUES (?, ?)', [
        name,
        shop.database.dialect.timeValue((START + seconds * 1000) * 1000),
      ]);
    }
  }
  const follow = (now = START + 3_600_000) => followOf(names, { now: () => now, late: LATE });
  const short = (reader: Reader) => reader.ids.map((id) => id.replace('things.', ''));

  beforeAll(async () => {
    shop = await open();
  });
  afterAll(() => shop?.close());
  async function fresh(): Promise<void> {
    names = { ...shop, table: await shop.create('names', 'VARCHAR(36) NOT NULL', 'text') };
  }

  it('says that rows may come again', async () => {
    await fresh();
    expect(follow().replay).toBe('overlap');
  });

  it('gives each row once while it reads, also one that is committed late, and one whose time lies ahead', async () => {
    await fresh();
    await add(['b', 0], ['a', 0], ['c', 1]);
    const reader = await Reader.open(follow(START + 10_000), 'beginning');
    await passing(() => expect(short(reader)).toEqual(['a', 'b', 'c']));
    await add(['ahead', 7200], ['d', 2]);
    await passing(() => expect(short(reader).sort()).toEqual(['a', 'ahead', 'b', 'c', 'd']));
    await add(['late', -500], ['tie', 0]);
    await passing(() => expect(short(reader).slice(5).sort()).toEqual(['late', 'tie']));
    await reader.stop();
    expect(reader.seen).toHaveLength(7);
  });

  it('goes on behind any entry, with what may come again but nothing missing', async () => {
    await fresh();
    const rows = Array.from({ length: 30 }, (_, n) => [`row${n}`, n * 100] as const);
    await add(...rows);
    const first = await Reader.open(follow(), 'beginning');
    await passing(() => expect(first.seen).toHaveLength(30));
    await first.stop();
    for (const at of [0, 12, 29]) {
      const reader = await Reader.open(follow(), { '': first.seen[at]?.cursor as string });
      const wanted = rows.filter(([, seconds]) => seconds >= at * 100 - LATE / 1000).map(([name]) => name);
      await passing(() => expect(short(reader)).toEqual(wanted));
      await reader.stop();
    }
  });

  it('begins at the end, and reads up to a position', async () => {
    await fresh();
    await add(['a', 0], ['b', 1000], ['c', 1001], ['ahead', 9000]);
    const reader = await Reader.open(follow(START + 1_010_000), 'end');
    await add(['d', 1002], ['e', 600]);
    await passing(() => expect(short(reader).sort()).toEqual(['d', 'e']));
    const until = await follow().open({ after: 'end' }, FOREVER);
    await add(['f', 9500]);
    const read = await Reader.between(follow(), 'beginning', until.start);
    expect(read.map(({ id }) => id.replace('things.', ''))).toEqual(['a', 'e', 'b', 'c', 'd', 'ahead']);
    await reader.stop();
  });

  it('reads many pages of one time', async () => {
    await fresh();
    const time = shop.database.dialect.timeValue(START * 1000);
    const values = Array.from({ length: 2500 }, (_, n) => `('row${n}', '${time}')`);
    await shop.run(`INSERT INTO names (id, created_at) VALUES ${values.join(', ')}`);
    const reader = await Reader.open(follow(), 'beginning');
    await passing(() => expect(new Set(reader.ids).size).toBe(2500));
    await reader.stop();
    expect(reader.seen).toHaveLength(2500);
  });

  it('refuses a cursor that is none', async () => {
    await fresh();
    for (const cursor of ['x', '1.2.3', '5.4', '-', '12e3']) {
      await expect(follow().open({ after: { '': cursor } }, FOREVER)).rejects.toThrow(RequestError);
    }
  });
}

describe('following a table of SQLite without an integer key', () => followTests(sqliteShop));
describeWithMariaDb('following a table of MariaDB without an integer key', () => followTests(mariaShop));
