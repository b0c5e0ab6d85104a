import { describe, expect, it } from 'vitest';
import type { Json } from '../../../core/contract/index.ts';
import { narrow } from '../../../plugins/cassandra-logs/narrowing.ts';

const equal = (field: string, value: Json) => ({ field, op: '=' as const, value });
const newest = (...where: Parameters<typeof narrow>[0]['where']) => narrow({ where, order: 'newest' });

describe('what of a query the tables help with', () => {
  it('uses the index for levels, and the partitions for services, of the same query', () => {
    expect(newest(equal('level', ['ERROR', 'FATAL']), { search: 'x' }, equal('service', 'api'))).toEqual({
      narrowing: { levels: ['ERROR', 'FATAL'], services: new Set(['api']) },
      where: ['inexact', 'unsupported', 'inexact'],
    });
  });

  it('prefers a request to everything else, and finds numbers by their value', () => {
    expect(newest(equal('level', 'ERROR'), equal('request_id', ['r', '7.0']))).toEqual({
      narrowing: { requests: ['r', '7.0', '7', '*'] },
      where: ['unsupported', 'inexact'],
    });
  });

  it.each<[string, Json]>([
    ['level', '30'],
    ['level', 30],
    ['level', 'null'],
    ['level', true],
    ['level', ''],
    ['level', ['ERROR', '30']],
    ['level', ['a', 'b', 'c', 'd', 'e']],
    ['level', 'x'.repeat(1025)],
    ['level', '\ud800'],
    ['level', []],
    ['level', { a: 1 }],
    ['service', '7'],
    ['service', 'x'.repeat(257)],
    ['request_id', null],
    ['request_id', 'false'],
    ['request_id', ''],
    ['request_id', '-'],
    ['request_id', '0.0'],
    ['request_id', 'x'.repeat(1025)],
    ['logger', 'app'],
  ])('leaves %s=%j to the core, as lines that meet it may be anywhere', (field, value) => {
    expect(newest(equal(field, value))).toEqual({ narrowing: {}, where: ['unsupported'] });
  });

  it('leaves other operators to the core, and levels when the oldest come first', () => {
    expect(newest({ field: 'level', op: '!=', value: 'ERROR' }, { field: 'service', op: 'exists' }).narrowing).toEqual({});
    expect(narrow({ where: [equal('level', 'ERROR'), equal('service', 'api')], order: 'oldest' })).toEqual({
      narrowing: { services: new Set(['api']) },
      where: ['unsupported', 'inexact'],
    });
  });
});
