import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Condition,
  formatCondition,
  formatTime,
  fromUnix,
  nearest,
  parseCondition,
  parseDuration,
  parseTime,
  parseTimestamp,
} from '../../../core/contract/index.ts';

const AT = 1_762_480_800_000_000;

describe('times', () => {
  it('survive being written and read, to the microsecond', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 8_000_000_000_000_000 }), (time) => {
        expect(parseTimestamp(formatTime(time))).toBe(time);
      }),
    );
  });

  it('agree with Date for every offset', () => {
    const minutes = fc.integer({ min: -23 * 60 - 59, max: 23 * 60 + 59 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), minutes, (seconds, offset) => {
        const [hours, rest] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60].map((part) => String(part).padStart(2, '0'));
        const text = `${new Date((seconds + offset * 60) * 1000).toISOString().slice(0, 19)}${offset < 0 ? '-' : '+'}${hours}:${rest}`;
        expect(parseTimestamp(text)).toBe(seconds * 1_000_000);
      }),
    );
  });

  it.each([
    ['2025-11-07T02:00:00Z', AT],
    ['2025-11-07T02:00:00.5Z', AT + 500_000],
    ['2025-11-07 02:00:00,123456789', AT + 123_456],
    ['2025-11-07T02:00Z', AT],
    ['2025-11-06T21:00:00-05:00', AT],
    ['2025-11-07T07:30:00+0530', AT],
    ['2025-11-07', AT - 7_200_000_000],
  ])('reads %s', (text, time) => expect(parseTimestamp(text)).toBe(time));

  it.each([
    '2025-02-30T00:00:00Z',
    '2025-13-01T00:00:00Z',
    '2025-11-07T24:00:00Z',
    '2025-11-07T02:60:00Z',
    '2025-11-07T02:00:00+99:00',
    '1762480800',
    'yesterday',
    '',
  ])('refuses %j', (text) => expect(parseTimestamp(text)).toBeUndefined());

  it('tell seconds, milliseconds, microseconds and nanoseconds apart', () => {
    for (const value of [AT / 1e6, AT / 1e3, AT, AT * 1e3]) expect(fromUnix(value)).toBe(AT);
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, -1]) expect(fromUnix(value)).toBeUndefined();
  });

  it('are understood as people write them', () => {
    expect(parseTime('now', AT)).toBe(AT);
    expect(parseTime('-2h', AT)).toBe(AT - 7_200_000_000);
    expect(parseTime('1762480800', 0)).toBe(AT);
    expect(parseTime('-2 h', AT)).toBeUndefined();
    expect(parseDuration('1.5h')).toBe(5_400_000);
    expect(parseDuration('90')).toBeUndefined();
  });
});

describe('conditions as text', () => {
  it.each<[string, Condition]>([
    ['duration_ms>=500', { field: 'duration_ms', op: '>=', value: '500' }],
    ['status!=200', { field: 'status', op: '!=', value: '200' }],
    ['logger^=callcentersite.', { field: 'logger', op: '^=', value: 'callcentersite.' }],
    ['message~=a=b>c', { field: 'message', op: '~=', value: 'a=b>c' }],
    ['exception', { field: 'exception', op: 'exists' }],
    ['metadata.developer=ana', { field: 'metadata.developer', op: '=', value: 'ana' }],
    ['note=', { field: 'note', op: '=', value: '' }],
  ])('%s', (text, condition) => {
    expect(parseCondition(text)).toEqual(condition);
    expect(formatCondition(condition)).toBe(text);
  });

  it('are refused when they are none, and never crash', () => {
    for (const text of ['', '=x', '>', '!=', '~']) expect(parseCondition(text)).toBeUndefined();
    fc.assert(fc.property(fc.string(), (text) => void parseCondition(text)));
  });
});

describe('the nearest word', () => {
  it('is the one that was meant, or none', () => {
    expect(nearest('pathz', ['paths', 'poll'])).toBe('paths');
    expect(nearest('lsiten', ['listen', 'limit'])).toBe('listen');
    expect(nearest('json-lgs', ['json-logs', 'health-script'])).toBe('json-logs');
    expect(nearest('completely-else', ['paths', 'poll'])).toBeUndefined();
  });
});
