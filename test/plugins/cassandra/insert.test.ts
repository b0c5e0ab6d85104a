import { describe, expect, it } from 'vitest';
import { Inserts } from '../../../plugins/cassandra/insert.ts';

const inserts = new Inserts('logging', 'here/ship', 3600);
const NOW = 1_700_000_000_000;

describe('the time to live of what is of some time', () => {
  it.each([
    ['now', 0, 3600],
    ['a minute ago', -60, 3540],
    ['an hour ago', -3600, 0],
    ['two hours ago', -7200, -3600],
    ['a clock that is ahead', 3600, 3600],
    ['a clock that is years ahead', 10 ** 9, 3600],
  ])('%s', (_name, seconds, wanted) => {
    expect(inserts.ttl((NOW + seconds * 1000) * 1000, NOW)).toBe(wanted);
  });

  it('counts whole seconds down only when they are over', () => {
    expect(inserts.ttl((NOW - 999) * 1000, NOW)).toBe(3600);
    expect(inserts.ttl((NOW - 1000) * 1000, NOW)).toBe(3599);
  });
});

it('no value is part of a statement', () => {
  const partition = { service: "a'; DROP", hour: 0, shard: 1 };
  const row = { service: "a'; DROP", time: 0, id: 'x', host: 'h', source: 's', fields: [], requests: [], lists: false, body: '{}' };
  const { query, params } = inserts.line(row, partition, 5);
  expect(query).not.toContain('DROP');
  expect(query.match(/\?/g)?.length).toBe(params.length);
  expect(params.at(-1)).toBe(5);
});
