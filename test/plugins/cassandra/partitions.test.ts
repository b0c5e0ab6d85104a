import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { HOUR, partitionOf } from '../../../plugins/cassandra/keys.ts';

const LINES = 4_000_000;
const SHARDS = 8;
const MB = 1_000_000;
/** Of a stored line of 350 bytes with every column, before compression; measured by `store-size.test.ts`. */
const BYTES_PER_LINE = 1200;

/** Lines of each hour of a day: three times as many at noon as on average, and few at night. */
function linesOf(hour: number): number {
  const weight = (at: number) => Math.exp(-((at - 12) ** 2) / 20) + 0.02;
  const whole = Array.from({ length: 24 }, (_, at) => weight(at)).reduce((sum, one) => sum + one, 0);
  return Math.round((LINES * weight(hour)) / whole);
}

describe('a day of 4 million lines of one service', () => {
  it('keeps every partition under 100 MB and 100,000 lines', () => {
    const lines = new Map<string, number>();
    for (let hour = 0; hour < 24; hour++) {
      const count = linesOf(hour);
      for (let n = 0; n < count; n++) {
        // As json-logs makes them.
        const checksum = crc32(`{"level":"INFO","message":"call ${n} of hour ${hour}"}`);
        const id = `f3a9c1d2e4b5.${(n * 300).toString(36).padStart(8, '0')}.${checksum.toString(16).padStart(8, '0')}`;
        const { shard } = partitionOf('api', hour * HOUR + n, id, SHARDS);
        const key = `${hour}/${shard}`;
        lines.set(key, (lines.get(key) ?? 0) + 1);
      }
    }
    const most = Math.max(...lines.values());
    expect(lines.size).toBe(24 * SHARDS);
    expect(most).toBeLessThan(100_000);
    expect(most * BYTES_PER_LINE).toBeLessThan(100 * MB);
  });
});
