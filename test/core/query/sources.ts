import type {
  Condition,
  Draft,
  Json,
  JsonObject,
  Log,
  Page,
  Plan,
  Query,
  QueryFacet,
  Run,
  Services,
  Source,
} from '../../../core/contract/index.ts';
import { compile } from '../../../core/query/conditions.ts';
import { createQueryEngine } from '../../../core/query/engine.ts';
import type { Member } from '../../../core/query/member.ts';
import { createEvents } from '../../../core/telemetry/events.ts';

export interface Fact {
  readonly time: number;
  readonly id: string;
  readonly body: JsonObject;
}

/** How a source of the tests behaves; it keeps every promise that its plan makes. */
export interface Manner {
  readonly order: Plan['order'];
  readonly range: boolean;
  readonly seeks: boolean;
  readonly support: 'exact' | 'inexact' | 'unsupported';
  readonly batch: number;
  readonly planless?: boolean;
  /** Gives this many entries, then throws. */
  readonly failsAfter?: number;
  readonly withBody?: boolean;
}

export const plain: Manner = { order: 'exact', range: true, seeks: true, support: 'exact', batch: 3 };

export function byPoint(order: Query['order']): (a: Fact, b: Fact) => number {
  const sign = order === 'oldest' ? 1 : -1;
  return (a, b) => sign * (a.time - b.time || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

/** A source over a list, with exactly the pushdown that its manner says. */
export function listSource(facts: () => readonly Fact[], manner: Manner, shuffle = 7): QueryFacet & { queries: Query[]; open: number } {
  const planless = manner.planless === true;
  const facet = {
    queries: [] as Query[],
    open: 0,
    ...(!planless && {
      plan: ({ where }: Query): Plan => ({
        where: where.map(() => manner.support),
        order: manner.order,
        range: manner.range,
        seeks: manner.seeks,
      }),
    }),
    async *run(query: Query, _run: Run) {
      facet.queries.push(query);
      facet.open++;
      try {
        let left = manner.failsAfter ?? Number.POSITIVE_INFINITY;
        for (const batch of batches(answer(facts(), query, manner, planless, shuffle), manner.batch)) {
          if (batch.length > left) {
            yield batch.slice(0, left).map((fact) => draftOf(fact, manner));
            throw new Error('the disk is gone');
          }
          left -= batch.length;
          yield batch.map((fact) => draftOf(fact, manner));
        }
        if (manner.failsAfter !== undefined) throw new Error('the disk is gone');
      } finally {
        facet.open--;
      }
    },
  };
  return facet;
}

function answer(facts: readonly Fact[], query: Query, manner: Manner, planless: boolean, shuffle: number): Fact[] {
  const { order, range, seeks, support } = planless ? { order: 'none', range: false, seeks: false, support: 'unsupported' } : manner;
  // A superset for `inexact`: every third entry comes along although it does not match.
  const matches = support === 'unsupported' ? () => true : compile(query.where);
  let rows = facts.filter((fact, index) => matches(fact.body) || (support === 'inexact' && index % 3 === 0));
  if (range) rows = rows.filter((fact) => fact.time >= query.from && fact.time < query.to);
  const compare = byPoint(query.order);
  const { after } = query;
  if (seeks && after) rows = rows.filter((fact) => compare(fact, { ...after, body: {} }) > 0);
  if (order === 'exact') rows.sort(compare);
  if (order === 'time') rows.sort((a, b) => (query.order === 'oldest' ? a.time - b.time : b.time - a.time));
  if (order === 'none') rows.sort((a, b) => ((a.time * shuffle) % 11) - ((b.time * shuffle) % 11));
  return query.limit === undefined ? rows : rows.slice(0, query.limit);
}

function* batches(rows: Fact[], size: number): Generator<Fact[]> {
  for (let at = 0; at < rows.length; at += size) yield rows.slice(at, at + size);
}

function draftOf(fact: Fact, manner: Manner): Draft {
  const json = JSON.stringify(fact.body);
  return { id: fact.id, time: fact.time, json, ...(manner.withBody && { body: fact.body }) };
}

export function member(name: string, source: Omit<Source, 'type'> | undefined, rest: Partial<Member> = {}): Member {
  return { name, type: 'logs', label: name, mirror: false, ...(source && { source: { type: 'logs', ...source } }), ...rest };
}

export interface LogLine {
  readonly level: string;
  readonly text: string;
  readonly fields: JsonObject | undefined;
}
export function keepLog(): Log & { lines: LogLine[] } {
  const lines: LogLine[] = [];
  const write = (level: string) => (text: string, fields?: JsonObject) => void lines.push({ level, text, fields });
  return { lines, debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

export function engine(members: readonly Member[], deadline = 60_000): Pick<Services, 'query' | 'latest'> {
  return createQueryEngine({ members: () => members, deadline, events: createEvents(), log: keepLog() });
}

export const never = new AbortController().signal;

/** Follows `next` from page to page, and every `retry` after it. */
export async function readAll(
  agent: Pick<Services, 'query'>,
  request: { order: Query['order']; where?: readonly Condition[] },
  limits: readonly number[],
) {
  const pages: Page[] = [];
  let cursor: string | undefined;
  for (let turn = 0; turn < 1000; turn++) {
    const limit = limits[turn % limits.length] ?? 1;
    const page = await agent.query('logs', { ...request, from: 0, to: 1000, limit, ...(cursor !== undefined && { cursor }) }, never);
    pages.push(page);
    cursor = page.next;
    if (cursor === undefined) return pages;
  }
  throw new Error('the pages do not end');
}

export function entry(time: number, id: string, body: Record<string, Json> = {}): Fact {
  return { time, id, body: { id, ...body } };
}
