import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parsePerfdata } from '../../../plugins/health-script/perfdata.ts';

test.each([
  [
    'time=0.270634s;;;0.000000 size=20156B;;;0',
    { time: { value: 0.270634, unit: 's', min: 0 }, size: { value: 20156, unit: 'B', min: 0 } },
  ],
  [
    "'label with '' quote'=5%;10:20;@5:~;0;100",
    { "label with ' quote": { value: 5, unit: '%', warn: '10:20', crit: '@5:~', min: 0, max: 100 } },
  ],
  ["'a=b'=1c /var=-2.5MB;~:10", { 'a=b': { value: 1, unit: 'c' }, '/var': { value: -2.5, unit: 'MB', warn: '~:10' } }],
  ['load=U;1;2', { load: { value: null, warn: '1', crit: '2' } }],
  ['a=1;2;3;4;5; b=.5', { a: { value: 1, warn: '2', crit: '3', min: 4, max: 5 }, b: { value: 0.5 } }],
  ["__proto__=1 'caf\u00e9 \u2615'=2", { ['__proto__']: { value: 1 }, 'caf\u00e9 \u2615': { value: 2 } }],
  ['  ', {}],
])('%s', (text, items) => {
  const parsed = parsePerfdata(text);
  expect(Object.entries(parsed.items)).toEqual(Object.entries(items));
  expect(parsed.notes).toEqual([]);
});

test('malformed items are counted, and hide no neighbour', () => {
  const { items, notes } = parsePerfdata("a=1 nonsense b=2,5 'open=3 =4 c=5");
  expect(Object.keys(items)).toEqual(['a', 'c']);
  expect(notes).toEqual(['4 items of performance data are malformed, the first is "nonsense"']);
});

test('reads what the grammar writes', () => {
  const label = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 19 });
  const value = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }));
  const item = fc.record({ label, value, unit: fc.constantFrom('', 's', 'us', 'ms', '%', 'B', 'KB', 'c') });
  fc.assert(
    fc.property(fc.uniqueArray(item, { selector: (one) => one.label, maxLength: 10 }), (all) => {
      const text = all.map(({ label: name, value: number, unit }) => `'${name.replaceAll("'", "''")}'=${number}${unit};1:2;;0`).join(' ');
      const expected = all.map(({ label: name, value: number, unit }) => [
        name,
        { value: Number(String(number)), ...(unit && { unit }), warn: '1:2', min: 0 },
      ]);
      expect(new Map(Object.entries(parsePerfdata(text).items))).toEqual(new Map(expected as never));
    }),
  );
});

test('too much of it is cut', () => {
  const { items, notes } = parsePerfdata(Array.from({ length: 1000 }, (_, i) => `v${i}=${i}`).join(' '));
  expect(Object.keys(items)).toHaveLength(500);
  expect(notes.join()).toContain('too much');
});
