import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPlace, parsePlace } from '../../../plugins/cassandra-logs/follow-cursor.ts';

describe('a place of a follower', () => {
  const ms = fc.integer({ min: 0, max: 9_000_000_000_000 });
  const id = fc.string({
    unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
    minLength: 1,
    maxLength: 96,
  });
  const last = fc.record({ time: fc.maxSafeInteger(), id });

  it('is the same after it was a cursor, which is short', () => {
    const places = fc.oneof(
      fc.record({ settled: ms, upTo: ms }),
      fc.record({ began: ms, since: ms, last }),
      fc.record({ began: ms, since: ms }),
    );
    fc.assert(
      fc.property(places, (place) => {
        const cursor = formatPlace(place);
        expect(parsePlace(cursor)).toEqual(place);
        expect(cursor.length).toBeLessThan(200);
      }),
    );
  });

  it.each(['', '1', '1.2.3', '01.2', 'walk', 'walk.1', 'walk.1.2.3', 'walk.1.2.3.ä', `${'1'.repeat(3000)}.1`])(
    'is not made of %j',
    (cursor) => {
      expect(() => parsePlace(cursor)).toThrow(expect.objectContaining({ code: 'ERR_REQUEST', parameter: 'after' }));
    },
  );
});
