import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CauceError, describe as describeError } from '../../../core/contract/index.ts';

describe('what an error says', () => {
  it('is its message with its causes, each once, on one line', () => {
    const cause = new Error('the disk\n  is full');
    expect(describeError(new CauceError('ERR_X', 'cannot write', { cause }))).toBe('cannot write: the disk is full');
    expect(describeError(new Error('cannot write (the disk is full)', { cause }))).toBe('cannot write (the disk is full)');
  });

  it.each<[unknown, string]>([
    [undefined, 'it threw undefined'],
    [null, 'it threw null'],
    ['text', 'text'],
    ['', "it threw ''"],
    [{ code: 5 }, 'it threw { code: 5 }'],
    [new TypeError(''), 'TypeError'],
  ])('is there for %o', (thrown, text) => expect(describeError(thrown)).toBe(text));

  it('has a bound, and is there for what cannot be looked at', () => {
    expect(describeError(new Error('x'.repeat(1e6))).length).toBeLessThan(3000);
    const hostile = new Proxy(new Error('x'), {
      get() {
        throw new Error('boo');
      },
    });
    expect(describeError(hostile)).toBe('it threw something that cannot be shown');
    const looped = new Error('round');
    looped.cause = looped;
    expect(describeError(looped)).toBe('round');
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.anything({ withNullPrototype: true, withSparseArray: true }), (thrown) => describeError(thrown).length > 0));
  });
});
