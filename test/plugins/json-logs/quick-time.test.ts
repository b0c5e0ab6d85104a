import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLine } from '../../../plugins/json-logs/line.ts';
import { QuickTime } from '../../../plugins/json-logs/quick-time.ts';

const FIELDS = ['timestamp', '@timestamp', 'time', 'ts'];

const digits = (count: number) => fc.nat({ max: 10 ** count - 1 }).map((n) => String(n).padStart(count, '0'));
const stamp = fc
  .tuple(
    digits(4),
    digits(2),
    digits(2),
    digits(2),
    digits(2),
    digits(2),
    fc.string({ unit: fc.constantFrom(...'0123456789'), maxLength: 10 }),
  )
  .map(([y, mo, d, h, mi, s, f]) => `${y}-${mo}-${d}T${h}:${mi}:${s}${f ? `.${f}` : ''}Z`);
const real = fc.date({ min: new Date(-1e12), max: new Date(4e12), noInvalidDate: true }).map((date) => date.toISOString());
const value = fc.oneof(
  real.map((text) => JSON.stringify(text)),
  stamp.map((text) => JSON.stringify(text)),
  fc.constantFrom(
    '"2025-11-07T02:00:00+02:00"',
    '"2025-11-07"',
    'null',
    'true',
    '"x"',
    '{}',
    '1762473600',
    '1762473600.25',
    '01',
    '1e9',
    '-1',
    '1762473600123',
  ),
  fc.nat().map(String),
);
const key = fc.constantFrom(...FIELDS.map((field) => JSON.stringify(field)), '"message"', '"\\u0074imestamp"', '"\\u00e1"', '"t\\"s"');
const member = fc.tuple(key, fc.constantFrom(':', ': ', ' : '), value).map((parts) => parts.join(''));
const text = fc.oneof(
  { weight: 6, arbitrary: fc.array(member, { minLength: 1, maxLength: 4 }).map((members) => `{${members.join(',')}}`) },
  { weight: 1, arbitrary: fc.string() },
  { weight: 1, arbitrary: member.map((one) => `{${one}`) },
);

describe('the quick look at a time', () => {
  it('is that of the parser for every log line, or none', () => {
    const quick = new QuickTime(FIELDS);
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 6 }), (texts) => {
        const bytes = Buffer.from(texts.map((line) => line.replaceAll('\n', '')).join('\n'));
        const all = bytes.toString('latin1');
        quick.load(all);
        for (let from = 0; from < all.length; ) {
          const found = all.indexOf('\n', from);
          const to = found < 0 ? all.length : found;
          const time = quick.at(from, to);
          const line = parseLine(bytes, from, to, FIELDS);
          if (!Number.isNaN(time) && typeof line !== 'string') expect(time).toBe(line.time);
          from = to + 1;
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('does not miss the usual lines', () => {
    const quick = new QuickTime(FIELDS);
    for (const json of [
      '{"timestamp":"2025-11-07T02:00:00.123456Z","a":1}',
      '{"timestamp": "2025-11-07T02:00:00Z"}',
      '{"ts":1762473600.5,"a":1}',
    ]) {
      quick.load(json);
      expect(quick.at(0, json.length)).toBeGreaterThan(0);
    }
  });
});
