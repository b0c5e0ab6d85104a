import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RequestError } from '../../../core/contract/index.ts';
import { Holes } from '../../../core/table/holes.ts';
import { lastOf, type Run } from '../../../core/table/runs.ts';

/** How many keys are missing. */
function keysIn(runs: readonly Run[]): bigint {
  return runs.reduce((sum, { length, count }) => sum + length * count, 0n);
}

const RUNS = process.env['CAUCE_TEST_LONG'] ? 2000 : 150;

/** Holes that saw these keys, all at one second or at the given ones. */
function having(keys: readonly (number | bigint)[], noticed: (index: number) => number = () => 1_700_000_000): Holes {
  return keys.reduce((holes: Holes, key, index) => holes.seen(BigInt(key), noticed(index)), Holes.none);
}

/** The keys up to the highest that were not seen, told by asking for each. */
function missing(holes: Holes): number[] {
  const keys = Array.from({ length: Number(holes.highest ?? 0n) }, (_, index) => index + 1);
  return keys.filter((key) => !holes.covers(BigInt(key)));
}

const schedule = fc
  .record({ step: fc.constantFrom(1, 2, 3, 10), keys: fc.uniqueArray(fc.integer({ min: 1, max: 300 }), { maxLength: 150 }) })
  .map(({ step, keys }) => keys.map((key) => key * step));

describe('the holes of a table', () => {
  it('are the keys that were left out, whatever the order of what was seen', () => {
    fc.assert(
      fc.property(schedule, (keys) => {
        const holes = having(keys);
        const seen = new Set(keys);
        const highest = Math.max(0, ...keys);
        const wanted = Array.from({ length: highest }, (_, index) => index + 1).filter((key) => !seen.has(key));
        expect(missing(holes)).toEqual(wanted);
        expect(keysIn(holes.runs)).toBe(BigInt(wanted.length));
      }),
      { numRuns: RUNS },
    );
  });

  it('come back from their text', () => {
    fc.assert(
      fc.property(
        schedule,
        fc.array(fc.nat(5000), { minLength: 1 }),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n }),
        (keys, times, base) => {
          let holes = Holes.none.seen(base, 0);
          // A clock may also be set back.
          for (const [index, key] of keys.entries())
            holes = holes.seen(base + BigInt(key), 1_700_000_000 + (times[index % times.length] ?? 0));
          [holes] = holes.trimmed();
          const again = Holes.parse(holes.format());
          expect(again.format()).toBe(holes.format());
          expect(again.highest).toBe(holes.highest);
          expect(again.runs.map(lastOf)).toEqual(holes.runs.map(lastOf));
          expect(again.runs.map((run) => [run.first, run.length, run.count, run.noticed])).toEqual(
            holes.runs.map((run) => [run.first, run.length, run.count, run.noticed]),
          );
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('have a text without anything else when there are none', () => {
    expect(having([1, 2, 3]).format()).toBe('3');
    expect(Holes.none.format()).toBe('');
    expect(Holes.parse('').highest).toBeUndefined();
    expect(having([-5, -4]).format()).toBe('-4');
  });

  it('of a regular step are one run, however many they are', () => {
    const holes = having(Array.from({ length: 50_000 }, (_, index) => 1 + 3 * index));
    expect(holes.runs).toHaveLength(1);
    expect(holes.format().length).toBeLessThan(40);
    expect([holes.covers(149_996n), holes.covers(149_997n), holes.covers(149_998n)]).toEqual([false, false, true]);
    expect(holes.seen(75_002n, 0).runs).toHaveLength(3);
  });

  it('of 600 rolled back transactions at a step of 3 all find place in a cursor', () => {
    // A linear congruence: which of 1200 transactions commit.
    const keys = Array.from({ length: 1200 }, (_, index) => index).filter((index) => (index * 7919 + 13) % 1201 < 600);
    const holes = having(keys.map((index) => 1 + 3 * index));
    expect(holes.trimmed()[1]).toEqual([]);
    expect(holes.format().length).toBeLessThanOrEqual(1900);
  });

  it('are given up from below when a cursor would become too long, and say which', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1200, maxLength: 1500 }), fc.nat(2000), (steps, pace) => {
        let holes = Holes.none;
        let key = 0n;
        let given = 0n;
        let wanted = 0n;
        for (const [index, step] of steps.entries()) {
          key += BigInt(step);
          wanted += BigInt(step - 1);
          const [kept, gone] = holes.seen(key, 1_700_000_000 + index * pace).trimmed();
          const lowest = kept.runs[0];
          if (gone.length > 0 && lowest) expect(lastOf(gone.at(-1) as (typeof gone)[0])).toBeLessThan(lowest.first);
          given += keysIn(gone);
          holes = kept;
          expect(holes.format().length).toBeLessThanOrEqual(1900);
        }
        expect(given).toBeGreaterThan(0n);
        expect(given + keysIn(holes.runs)).toBe(wanted);
      }),
      { numRuns: Math.ceil(RUNS / 50) },
    );
  });

  it('expire by when they were noticed', () => {
    const holes = having([2, 4, 6], (index) => 100 + index);
    const [left, gone] = holes.expired(102);
    expect(gone.map(({ first }) => first)).toEqual([1n, 3n]);
    expect(missing(left)).toEqual([5]);
    expect(left.covers(3n)).toBe(true);
  });

  it('go back to a key: nothing above it counts as seen, and what is below stays', () => {
    fc.assert(
      fc.property(schedule, fc.integer({ min: 1, max: 3000 }), (keys, key) => {
        const holes = having(keys);
        const back = holes.backTo(BigInt(key));
        const seen = keys.filter((one) => one <= key);
        for (const one of keys) expect(back.covers(BigInt(one))).toBe(one <= key);
        for (let one = 1; one <= Math.max(0, ...seen); one++) expect(back.covers(BigInt(one))).toBe(holes.covers(BigInt(one)));
        expect((back.highest ?? 0n) <= BigInt(key) || back === holes).toBe(true);
        expect(Holes.parse(back.format()).format()).toBe(back.format());
      }),
      { numRuns: RUNS },
    );
  });

  it('refuse a text that is none of theirs', () => {
    const good = having([5, 9, 11, 13]).format();
    const texts = [
      'x',
      '1.2',
      '5.1.',
      '5.1.*',
      '5.9.@AA',
      '1e3',
      ' 7',
      '007',
      '-0',
      `${good}A`,
      `${good}@`,
      '9'.repeat(21),
      '5.1.@gggggggggggggggA',
      good.repeat(60),
    ];
    for (const text of texts) {
      expect(() => Holes.parse(text), text).toThrow(RequestError);
      expect(() => Holes.parse(text)).toThrow(/is no cursor of a table; take one from an entry or a hello/);
    }
  });

  it('never fail in another way, whatever the text', () => {
    const letters = fc.array(fc.constantFrom(...'0123456789.@*-_ABCgz'), { maxLength: 30 }).map((all) => all.join(''));
    fc.assert(
      fc.property(letters, (text) => {
        try {
          expect(Holes.parse(text).format()).toBe(text);
        } catch (error) {
          expect(error).toBeInstanceOf(RequestError);
        }
      }),
      { numRuns: RUNS * 10 },
    );
  });
});
