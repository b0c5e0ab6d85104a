import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Condition, type Json, type JsonObject, parseCondition, RequestError } from '../../../core/contract/index.ts';
import { compile } from '../../../core/query/conditions.ts';

function holds(condition: string, body: unknown): boolean {
  return compile([parseCondition(condition) as Condition])(body as JsonObject);
}

describe('fields', () => {
  it('takes a key as written before a dotted path', () => {
    expect(holds('a.b=1', { 'a.b': '1', a: { b: '2' } })).toBe(true);
    expect(holds('a.b=2', { 'a.b': '1', a: { b: '2' } })).toBe(false);
    expect(holds('a.b=2', { a: { b: '2' } })).toBe(true);
  });
  it('lets an array stand for its elements', () => {
    expect(holds('tags=red', { tags: ['blue', 'red'] })).toBe(true);
    expect(holds('tags!=red', { tags: ['blue', 'red'] })).toBe(false);
    expect(holds('checks.name=disk', { checks: [{ name: 'load' }, 7, { name: 'disk' }] })).toBe(true);
    expect(holds('tags.length=2', { tags: ['blue', 'red'] })).toBe(false);
  });
  it('sees own keys only', () => {
    for (const field of ['__proto__', 'constructor', 'toString', 'a.__proto__', 'a.constructor.name', 'hasOwnProperty']) {
      expect(holds(field, { a: {} })).toBe(false);
      expect(holds(`${field}!=x`, { a: {} })).toBe(true);
    }
    expect(holds('__proto__=x', JSON.parse('{"__proto__":"x"}'))).toBe(true);
    expect(holds('__proto__.admin=true', JSON.parse('{"__proto__":{"admin":true}}'))).toBe(true);
  });
});

describe('operators', () => {
  it.each<[string, unknown, boolean]>([
    ['status=200', { status: 200 }, true],
    ['status=200.0', { status: 200 }, true],
    ['status=2e2', { status: 200 }, true],
    ['status=200', { status: '200' }, true],
    ['status=200.0', { status: '200' }, false],
    ['status=0200', { status: 200 }, false],
    ['status=', { status: 0 }, false],
    ['status!=200', {}, true],
    ['ok=true', { ok: true }, true],
    ['ok=null', { ok: null }, true],
    ['ok=true', { ok: 1 }, false],
    ['ok=[object Object]', { ok: {} }, false],
    ['ms>=500', { ms: 500 }, true],
    ['ms>=500', { ms: '1000' }, true],
    ['ms>=500', { ms: 'slow' }, false],
    ['ms>=500', { ms: true }, false],
    ['ms<500', {}, false],
    ['ms<500', { ms: { a: 1 } }, false],
    ['name<b', { name: 'a' }, true],
    ['name<b', { name: 1 }, false],
    ['name>=Z', { name: 'a' }, true],
    ['message^=Time', { message: 'Timeout' }, true],
    ['message^=time', { message: 'Timeout' }, false],
    ['message~=out', { message: 'Timeout' }, true],
    ['line~=23', { line: 1234 }, true],
    ['line~=ull', { line: null }, true],
    ['line~=obj', { line: {} }, false],
    ['exception', { exception: {} }, true],
    ['exception', { exception: false }, true],
    ['exception', { exception: [] }, true],
    ['exception', { exception: null }, false],
    ['exception', {}, false],
  ])('%s of %j is %s', (condition, body, expected) => {
    expect(holds(condition, body)).toBe(expected);
  });
  it('takes a list as any of them', () => {
    const condition = { field: 'level', op: '=', value: ['ERROR', 'error'] } as const;
    expect(compile([condition])({ level: 'error' })).toBe(true);
    expect(compile([condition])({ level: 'info' })).toBe(false);
    expect(compile([{ ...condition, op: '!=' }])({ level: 'info' })).toBe(true);
  });
  it('refuses a condition that means nothing', () => {
    const broken = [
      { field: 'a', op: '=' },
      { field: 'a', op: '<', value: ['1'] },
      { field: 'a', op: '=', value: {} },
      { field: 'a', op: '=', value: [['x']] },
      { field: '', op: 'exists' },
      { field: 'a', op: 'like', value: 'x' },
      { search: '' },
    ];
    for (const condition of broken) expect(() => compile([condition as Condition])).toThrow(RequestError);
  });
});

describe('search', () => {
  it('looks at decoded keys and string values at any depth', () => {
    const body = JSON.parse('{"a":[{"k\\u00e9y":1},["deep \\"quoted\\""]],"n":12}');
    expect(compile([{ search: 'kéy' }])(body)).toBe(true);
    expect(compile([{ search: 'p "quo' }])(body)).toBe(true);
    expect(compile([{ search: '12' }])(body)).toBe(false);
    expect(compile([{ search: 'Deep' }])(body)).toBe(false);
  });
  it('survives any depth and width', () => {
    const deep = JSON.parse(`{"a":${'['.repeat(100_000)}"needle"${']'.repeat(100_000)}}`);
    const chain = JSON.parse(`${'{"a":'.repeat(100_000)}"needle"${'}'.repeat(100_000)}`);
    const wide = { a: new Array(300_000).fill('hay').concat('needle') };
    for (const body of [deep, chain, wide]) {
      expect(compile([{ search: 'needle' }])(body)).toBe(true);
      expect(compile([{ search: 'absent' }])(body)).toBe(false);
    }
    expect(holds('a~=needle', wide)).toBe(true);
    expect(holds('a.a.a=x', chain)).toBe(false);
  });
});

describe('against a naive model', () => {
  const key = fc.constantFrom('a', 'b', 'a.b', '__proto__', 'constructor');
  const scalar = fc.constantFrom<Json>(
    null,
    true,
    false,
    0,
    1,
    -1,
    1.5,
    10,
    '',
    '0',
    '1',
    '1.0',
    '10',
    'a',
    'ab',
    'b',
    'true',
    'null',
    'x1',
  );
  const value = fc.letrec<{ any: Json }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 3 },
      scalar,
      fc.array(tie('any'), { maxLength: 3 }),
      fc.array(fc.tuple(key, tie('any')), { maxLength: 3 }).map(object),
    ),
  })).any;
  const body = fc.array(fc.tuple(key, value), { maxLength: 4 }).map(object);
  const condition = fc.oneof(
    fc.record({ search: fc.constantFrom('a', 'b', '1', 'null', 'proto') }),
    fc.record({ field: key, op: fc.constantFrom('<', '<=', '>', '>=', '^=', '~=', 'exists'), value: scalar }),
    fc.record({ field: key, op: fc.constantFrom('=', '!='), value: fc.oneof(scalar, fc.array(scalar, { maxLength: 3 })) }),
  ) as fc.Arbitrary<Condition>;

  it('agrees for every condition and body', () => {
    fc.assert(
      fc.property(fc.array(condition, { maxLength: 3 }), body, (where, one) => {
        expect(compile(where)(one)).toBe(where.every((each) => naive(each, one)));
      }),
      { numRuns: 2000 },
    );
  });
});

function object(pairs: [string, Json][]): JsonObject {
  const result: Record<string, Json> = {};
  for (const [key, value] of pairs) Object.defineProperty(result, key, { value, enumerable: true, configurable: true, writable: true });
  return result;
}

/** Written from the table in conditions.ts, recursive and slow. */
function naive(condition: Condition, body: JsonObject): boolean {
  if ('search' in condition) return texts(body).some((text) => text.includes(condition.search));
  const { field, op } = condition;
  const entries = Object.entries(body);
  const direct = entries.find(([key]) => key === field);
  const raw = direct ? [direct[1]] : walk(body, field.split('.'));
  if (op === 'exists') return raw.some((value) => value !== null);
  const values = raw.flatMap((value) => (Array.isArray(value) ? (value as Json[]) : [value]));
  const wanted = Array.isArray(condition.value) ? (condition.value as Json[]) : [condition.value as Json];
  const some = values.some((value) => wanted.some((one) => compare(op, value, String(one))));
  return op === '!=' ? !some : some;
}

function compare(op: string, value: Json, wanted: string): boolean {
  const number = (text: Json) =>
    typeof text === 'string' ? (/^-?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined) : typeof text === 'number' ? text : undefined;
  if (typeof value === 'object' && value !== null) return false;
  const bound = number(wanted);
  if (op === '=' || op === '!=') return typeof value === 'number' ? bound === value : String(value) === wanted;
  if (op === '^=') return String(value).startsWith(wanted);
  if (op === '~=') return String(value).includes(wanted);
  const [left, right] = bound === undefined ? [typeof value === 'string' ? value : undefined, wanted] : [number(value), bound];
  if (left === undefined) return false;
  if (op === '<') return left < right;
  if (op === '<=') return left <= right;
  return op === '>' ? left > right : left >= right;
}

function walk(value: Json, path: readonly string[]): Json[] {
  const [key, ...rest] = path;
  if (key === undefined) return [value];
  const many = Array.isArray(value) ? (value as Json[]) : [value];
  return many.flatMap((one) => {
    const found =
      typeof one === 'object' && one !== null && !Array.isArray(one) ? Object.entries(one).filter(([name]) => name === key) : [];
    return found.flatMap(([, inner]) => walk(inner, rest));
  });
}

function texts(value: Json): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(texts);
  return Object.entries(value).flatMap(([key, inner]) => [key, ...texts(inner)]);
}
