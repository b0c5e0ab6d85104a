import { describe, expect, it } from 'vitest';
import { type JsonObject, RequestError, type StatsRequest } from '../../../core/contract/index.ts';
import { entry, listSource, member, plain } from './sources.ts';
import { counting, listed, statsOf } from './stats-stage.ts';

describe('several sources', () => {
  it('count an entry once, although two of them have it', async () => {
    const both = [entry(1, 'a', { n: 1 }), entry(2, 'b', { n: 2 })];
    const { rows, sources } = await statsOf([listed('one', both), listed('two', [...both, entry(3, 'c')])]).ask({});
    expect(rows).toMatchObject([{ count: 3 }]);
    expect(sources.map(({ name, count, duplicates }) => [name, count, duplicates])).toEqual([
      ['one', 2, 0],
      ['two', 1, 2],
    ]);
  });

  it('leave out mirrors, unless they are named or alone', async () => {
    const facts = [entry(1, 'a')];
    const archive = counting('archive', [{ group: {}, count: 1, values: {} }], {}, { mirror: true }, facts);
    const app = counting('app', [{ group: {}, count: 1, values: {} }], {}, {}, facts);
    const { ask } = statsOf([app.member, archive.member]);
    const unnamed = await ask({});
    expect(unnamed.rows).toMatchObject([{ count: 1 }]);
    expect(unnamed.sources.map(({ name }) => name)).toEqual(['app']);
    expect(unnamed.notes).toEqual([expect.stringMatching(/left out.*archive/)]);
    const named = await ask({ sources: ['archive', 'app'] });
    expect(named.rows).toMatchObject([{ count: 1 }]);
    expect(named.sources.map(({ name, duplicates }) => [name, duplicates])).toEqual([
      ['app', 0],
      ['archive', 1],
    ]);
    expect((await statsOf([archive.member]).ask({})).rows).toMatchObject([{ count: 1 }]);
  });

  it('give whole counts, or none: one that fails on the way takes no part', async () => {
    const rows = Array.from({ length: 6000 }, (_, index) => entry(index, `a${String(index).padStart(4, '0')}`));
    const failing = member('failing', { query: listSource(() => rows, { ...plain, failsAfter: 5500 }) });
    const answer = await statsOf([failing, listed('app', [entry(1, 'x')])]).ask({});
    expect(answer.rows).toMatchObject([{ count: 1 }]);
    expect(answer.sources).toMatchObject([
      { name: 'failing', status: 'failed', count: 0, error: 'the disk is gone' },
      { name: 'app', status: 'ok', count: 1 },
    ]);
    expect(answer.sources[0]).not.toHaveProperty('retry');
    expect(answer.notes).toEqual(['the answer is partial: failing: the disk is gone']);
  });

  it('are reported when they do not run', async () => {
    const answer = await statsOf([member('down', undefined, { error: 'refused' })]).ask({});
    expect(answer).toMatchObject({
      rows: [],
      sources: [{ name: 'down', status: 'failed', error: 'refused' }],
      notes: ['no source could answer: down: refused'],
    });
    expect((await statsOf([]).ask({})).notes).toEqual([expect.stringMatching(/no logs source is configured/)]);
  });
});

describe('a request', () => {
  it.each<[string, JsonObject]>([
    ['by', { by: [''] }],
    ['by', { by: Array.from({ length: 11 }, (_, index) => `f${index}`) }],
    ['measure', { measures: [{ fn: 'median', field: 'ms' }] }],
    ['measure', { measures: [{ fn: 'p101', field: 'ms' }] }],
    ['measure', { measures: [{ fn: 'sum', field: '' }] }],
    ['bucket', { bucket: 0 }],
    ['bucket', { bucket: 1.5 }],
    ['limit', { limit: 0 }],
    ['from', { from: 2, to: 1 }],
    ['where', { where: [{ field: 'a', op: '=' }] }],
    ['source', { sources: ['ap'] }],
  ])('with a wrong %s is refused', async (parameter, request) => {
    const asked = statsOf([listed('app', [])]).ask(request as unknown as StatsRequest);
    await expect(asked).rejects.toBeInstanceOf(RequestError);
    await expect(asked).rejects.toMatchObject({ parameter });
  });
});
