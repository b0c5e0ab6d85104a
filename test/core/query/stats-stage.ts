import type { Measure, StatsFacet, StatsQuery, StatsRequest, StatsRow } from '../../../core/contract/index.ts';
import { createQueryEngine } from '../../../core/query/engine.ts';
import type { Member } from '../../../core/query/member.ts';
import { createStats } from '../../../core/query/stats.ts';
import { createEvents } from '../../../core/telemetry/events.ts';
import { type Fact, keepLog, listSource, member, never, plain } from './sources.ts';

export function statsOf(members: readonly Member[], deadline = 60_000) {
  const log = keepLog();
  const parts = { members: () => members, deadline, log };
  const stats = createStats({ ...parts, query: createQueryEngine({ ...parts, events: createEvents() }).query });
  return { log, ask: (request: StatsRequest, signal = never) => stats('logs', request, signal) };
}

export const listed = (name: string, rows: readonly Fact[], rest: Partial<Member> = {}) =>
  member(name, { query: listSource(() => rows, plain) }, rest);

/** A source that counts by itself, and notes what it was asked. */
export function counting(
  name: string,
  rows: readonly StatsRow[],
  facet: Partial<StatsFacet> = {},
  rest: Partial<Member> = {},
  facts: readonly Fact[] = [],
) {
  const asked: StatsQuery[] = [];
  const stats: StatsFacet = {
    plan: () => true,
    async *run(query) {
      asked.push(query);
      yield rows;
    },
    ...facet,
  };
  return { asked, member: member(name, { stats, query: listSource(() => facts, plain) }, rest) };
}

export const measures = (...names: string[]): Measure[] =>
  names.map((name) => {
    const [fn, field] = name.slice(0, -1).split('(') as [Measure['fn'], string];
    return { fn, field };
  });
