import { describe, expect, it } from 'vitest';
import { Given } from '../../../plugins/cassandra-logs/follow-given.ts';

describe('what was given', () => {
  it('is remembered for the last 50,000 lines, and forgotten some time after', () => {
    const given = new Given();
    const line = (n: number) => ({ id: `id.${n}`, written: n });
    for (let n = 0; n < 200_000; n++) expect(given.add(line(n))).toBe(true);
    for (let n = 150_000; n < 200_000; n++) expect(given.add(line(n))).toBe(false);
    expect(given.add(line(0))).toBe(true);
  });

  it('does not hold for a line that was written again', () => {
    const given = new Given();
    expect(given.add({ id: 'a', written: 1 })).toBe(true);
    expect(given.add({ id: 'a', written: 1 })).toBe(false);
    expect(given.add({ id: 'a', written: 2 })).toBe(true);
  });
});
