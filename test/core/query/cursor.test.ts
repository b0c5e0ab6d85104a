import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RequestError } from '../../../core/contract/index.ts';
import { decodeCursor, encodeCursor, type Identity, type Place } from '../../../core/query/cursor.ts';
import { engine, entry, listSource, member, never, plain } from './sources.ts';

const identity: Identity = { type: 'logs', order: 'newest', where: [{ field: 'a', op: '=', value: ['x', 'y'] }], binding: '[7,null]' };
const id = fc.stringMatching(/^[\x21-\x7e]{1,96}$/);
const point = fc.record({ time: fc.maxSafeInteger(), id });
const place = fc.record({
  from: fc.maxSafeInteger(),
  to: fc.maxSafeInteger(),
  after: fc.option(point, { nil: undefined }),
  source: fc.option(fc.string({ maxLength: 20 }), { nil: undefined }),
  until: fc.option(point, { nil: undefined }),
});

describe('cursors', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(place, (one) => {
        const { hash: _, ...back } = decodeCursor(encodeCursor(identity, one), identity) as Place & { hash: string };
        expect(back).toEqual(one);
      }),
    );
  });

  it('are refused by every other query', () => {
    const cursor = encodeCursor(identity, { from: 0, to: 9 });
    const others: Identity[] = [
      { ...identity, type: 'health' },
      { ...identity, order: 'oldest' },
      { ...identity, where: [] },
      { ...identity, where: [{ field: 'a', op: '!=', value: ['x', 'y'] }] },
      { ...identity, sources: ['app'] },
      { ...identity, binding: '[8,null]' },
    ];
    for (const other of others) expect(() => decodeCursor(cursor, other)).toThrow(/belongs to another query/);
    expect(() => decodeCursor(cursor, { ...identity, sources: undefined })).not.toThrow();
  });

  it('are refused when anything in them was changed', () => {
    fc.assert(
      fc.property(place, fc.nat(), fc.constantFrom(...'ABCxyz019-_=+/ \0é'), fc.integer({ min: 0, max: 2 }), (one, at, letter, cut) => {
        const cursor = encodeCursor(identity, one);
        const spot = at % cursor.length;
        const changed = cursor.slice(0, spot) + (cut === 2 ? '' : letter) + cursor.slice(spot + (cut === 0 ? 0 : 1));
        fc.pre(changed !== cursor);
        expect(() => decodeCursor(changed, identity)).toThrow(RequestError);
      }),
      { numRuns: 1000 },
    );
  });

  it('are refused when they are something else', () => {
    const texts = [
      '',
      'null',
      '[]',
      '{}',
      '{"v":1}',
      '{"v":2,"h":"","f":0,"t":1}',
      '{"v":1,"h":"x","f":1e999,"t":1}',
      '"',
      '['.repeat(900),
    ];
    for (const text of texts) {
      expect(() => decodeCursor(Buffer.from(text).toString('base64url'), identity)).toThrow(RequestError);
      expect(() => decodeCursor(text, identity)).toThrow(RequestError);
    }
    const refused = (text: string) => {
      expect(() => decodeCursor(text, identity)).toThrow(RequestError);
    };
    fc.assert(fc.property(fc.string({ maxLength: 200 }), refused));
    fc.assert(fc.property(fc.json(), (text) => refused(Buffer.from(text).toString('base64url'))));
  });

  it('keep the range of the first page', async () => {
    let rows = [entry(1, 'a'), entry(5, 'b'), entry(6, 'c')];
    const agent = engine([member('app', { query: listSource(() => rows, plain) })]);
    const first = await agent.query('logs', { from: 2, to: 7, limit: 1 }, never);
    rows = [...rows, entry(6, 'd'), entry(8, 'e')];
    const second = await agent.query('logs', { from: 0, to: 100, limit: 9, ...(first.next && { cursor: first.next }) }, never);
    expect([...first.entries, ...second.entries].map((one) => one.id)).toEqual(['c', 'b']);
  });

  it('of a source that is gone say so', async () => {
    const broken = member('app', undefined, { error: 'disk full' });
    const page = await engine([broken]).query('logs', {}, never);
    const retry = page.sources[0]?.retry ?? '';
    await expect(engine([member('other', {})]).query('logs', { cursor: retry }, never)).rejects.toThrow(
      /"app" of this cursor is not configured/,
    );
  });
});
