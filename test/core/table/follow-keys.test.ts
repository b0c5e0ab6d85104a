import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { describeWithMariaDb } from '../../mariadb/server.ts';
import { followOf, mariaShop, Reader, type Shop } from './follow-stage.ts';

const _FOREVER = new AbortController().signal;
const passing = (check: () => void) => vi.waitFor(check, { timeout: 10_000, interval: 2 });
const sorted = (keys: Iterable<string | bigint>) =>
  [...keys].map((key) => BigInt(String(key).split('.').at(-1) as string)).sort((a, b) => Number(a - b));

describeWithMariaDb('following a table of MariaDB whose keys come in steps of 3', () => {
  let shop: Shop;
  beforeAll(async () => {
    shop = await mariaShop(['SET SESSION auto_increment_increment = 3']);
  });
  afterAll(() => shop?.close());

  it('keeps its cursor short with 600 transactions that were rolled back', async () => {
    await shop.empty();
    const follow = followOf(shop);
    let reader = await Reader.open(follow, 'beginning');
    const committed: bigint[] = [];
    const got: string[] = [];
    const late = await shop.begin();
    for (let n = 0; n < 1200; n++) {
      const transaction = await shop.begin();
      // A linear congruence: half of them, in no order.
      const commits = (n * 7919 + 13) % 1201 < 600;
      await transaction[commits ? 'commit' : 'rollBack']();
      if (commits) committed.push(transaction.key);
      if (n % 300 !== 150) continue;
      await reader.stop();
      got.push(...reader.ids);
      reader = await Reader.open(follow, reader.position);
    }
    await late.commit();
    await passing(() => expect(sorted([...got, ...reader.ids])).toEqual([late.key, ...committed]));
    await reader.stop();
    expect(Math.max(...reader.seen.map(({ cursor }) => cursor.length))).toBeLessThanOrEqual(1900);
    expect(reader.position['']?.length).toBeGreaterThan(600);
  });

  it('follows unsigned keys that no signed number holds', async () => {
    await shop.empty();
    await shop.run('ALTER TABLE things MODIFY id BIGINT UNSIGNED AUTO_INCREMENT, AUTO_INCREMENT = 18446744073709551000');
    const [first, second, third, fourth] = [await shop.begin(), await shop.begin(), await shop.begin(), await shop.begin()];
    await second.commit();
    await fourth.commit();
    const reader = await Reader.open(followOf(shop), 'beginning');
    await passing(() => expect(sorted(reader.ids)).toEqual([second.key, fourth.key]));
    await first.commit();
    await third.commit();
    await passing(() => expect(sorted(reader.ids)).toEqual([first.key, second.key, third.key, fourth.key]));
    await reader.stop();
  });
});
