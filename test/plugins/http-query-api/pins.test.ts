import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { memoryState } from '../../../core/conformance/stand.ts';
import type { Json } from '../../../core/contract/index.ts';
import { Pins } from '../../../plugins/http-query-api/pins.ts';

const HOUR = 3_600_000_000;

it('forgets a key after 24 hours, and not before', async () => {
  let clock = 1000 * HOUR;
  const pins = new Pins(memoryState(), () => clock);
  const first = await pins.pin('key', 'request', 1);
  clock += 24 * HOUR;
  expect(await pins.pin('key', 'request', 1)).toEqual({ time: first.time, fresh: false });
  await expect(pins.pin('key', 'another', 1)).rejects.toThrow(/used for another request/);
  clock += 1;
  expect(await pins.pin('key', 'another', 1)).toEqual({ time: clock, fresh: true });
});

it('gives each request moments of its own', async () => {
  const pins = new Pins(memoryState(), () => 5);
  const times = [await pins.pin('a', '', 3), await pins.pin('b', '', 1), await pins.pin('c', '', 1)].map(({ time }) => time);
  expect(times).toEqual([5, 8, 9]);
});

it('forgets a key by which nothing was added, but not while another request has its time', async () => {
  const pins = new Pins(memoryState());
  await pins.pin('key', 'request', 1);
  await pins.settle('key', false);
  expect(await pins.pin('key', 'mended', 1)).toMatchObject({ fresh: true });
  expect(await pins.pin('key', 'mended', 1)).toMatchObject({ fresh: false });
  await pins.settle('key', false);
  await pins.settle('key', true);
  expect(await pins.pin('key', 'mended', 1)).toMatchObject({ fresh: false });
  // Of what an earlier request added, a later one says nothing.
  await pins.settle('key', false);
  expect(await pins.pin('key', 'mended', 1)).toMatchObject({ fresh: false });
});

it('holds a bounded number of keys, none of them in clear, and room comes with time', async () => {
  const state = memoryState();
  let [clock, kept] = [1000 * HOUR, ''];
  const set = async (key: string, value: Json) => {
    await state.set(key, value);
    kept = JSON.stringify(value);
  };
  const pins = new Pins({ ...state, set }, () => clock);
  // All of one shelf, of which there are 64.
  const keys = Array.from({ length: 40_000 }, (_, index) => `customer-${index}`).filter((key) => hash(key).startsWith('A'));
  expect(keys.length).toBeGreaterThan(501);
  for (const key of keys.slice(0, 500)) await pins.pin(key, 'request', 1);
  await expect(pins.pin(keys[500] as string, 'request', 1)).rejects.toThrow(/too many Idempotency-Keys/);
  expect(await pins.pin(keys[7] as string, 'request', 1)).toMatchObject({ fresh: false });
  expect(Object.keys(JSON.parse(kept))).toHaveLength(500);
  expect(kept).not.toContain('customer');
  clock += 25 * HOUR;
  expect(await pins.pin(keys[500] as string, 'request', 1)).toMatchObject({ fresh: true });
});

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
