import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../core/contract/index.ts';
import { ANY_REQUEST, draftOf, isRequest, storedOf } from '../../../plugins/cassandra/row.ts';
import { LOG_FIELDS } from '../../../plugins/cassandra/tables.ts';

function stored(body: JsonObject, more: { origin?: string } = {}) {
  return storedOf({ id: 'a.1', time: 5, json: JSON.stringify(body), body, source: 'app', ...more }, 'fallback', 'here');
}

function field(name: string, value: JsonObject[string]) {
  return stored({ [name]: value }).fields[LOG_FIELDS.findIndex((one) => one.name === name)];
}

describe('the columns beside the body', () => {
  it.each<[string, JsonObject[string], unknown]>([
    ['level', 'INFO', 'INFO'],
    ['level', '', ''],
    ['level', 20, undefined],
    ['level', null, undefined],
    ['level', ['INFO'], undefined],
    ['line', 2 ** 31 - 1, 2 ** 31 - 1],
    ['line', -(2 ** 31 - 1), -(2 ** 31 - 1)],
    ['line', 2 ** 31, undefined],
    ['line', 1.5, undefined],
    ['line', '12', undefined],
    ['thread_id', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
    ['thread_id', Number.MAX_SAFE_INTEGER + 1, undefined],
    ['thread_id', true, undefined],
  ])('%s of %j is %j', (name, value, wanted) => {
    expect(field(name, value)).toBe(wanted);
  });

  it.each([
    ['level', 1024],
    ['message', 32 * 1024],
    ['pathname', 32 * 1024],
  ])('%s of at most %i bytes', (name, most) => {
    for (const text of ['x'.repeat(most), 'é'.repeat(most / 2), '😀'.repeat(most / 4)]) {
      expect(field(name, text)).toBe(text);
      expect(field(name, `${text}x`)).toBeUndefined();
    }
  });
});

describe('what a line is found by', () => {
  it.each<[JsonObject[string], string[]]>([
    ['r', ['r']],
    [1.5, ['1.5']],
    [
      [1, '1', 'r', null, true, {}, ''],
      ['1', 'r'],
    ],
    ['', []],
    [null, []],
    [{ id: 'r' }, []],
    ['é'.repeat(512), ['é'.repeat(512)]],
    ['é'.repeat(513), []],
    ['-', []],
    ['None', []],
    [0, []],
    ['00000000-0000-0000-0000-000000000000', []],
    ['naïve-1', ['naïve-1']],
    [Array.from({ length: 256 }, (_, n) => n + 1), Array.from({ length: 256 }, (_, n) => String(n + 1))],
  ])('request_id %j', (given, wanted) => {
    const { requests } = stored({ request_id: given });
    expect(requests).toEqual(wanted);
    expect(requests.every(isRequest)).toBe(true);
  });

  it('more requests than are worth their rows lead there by one that stands for any', () => {
    expect(stored({ request_id: Array.from({ length: 257 }, (_, n) => n) }).requests).toEqual([ANY_REQUEST]);
    expect(isRequest(ANY_REQUEST)).toBe(false);
  });

  it('a list as level or service is told', () => {
    expect([stored({ level: [] }).lists, stored({ service: ['a'] }).lists, stored({ level: 'a', tags: [] }).lists]).toEqual([
      true,
      true,
      false,
    ]);
  });
});

it('a line comes back as it was written, with the agent that read it when that is another one', () => {
  const body = { b: 1, a: [1, { c: null }] };
  expect(draftOf(stored(body), 'here')).toEqual({ id: 'a.1', time: 5, json: JSON.stringify(body) });
  expect(draftOf(stored(body), 'there')).toEqual({ id: 'a.1', time: 5, json: JSON.stringify(body), origin: 'here' });
  expect(draftOf(stored(body, { origin: 'elsewhere' }), 'here')).toMatchObject({ origin: 'elsewhere' });
});
