import type { Plan, Point, Query, QueryFacet, Support } from '../contract/index.ts';
import { compile } from './conditions.ts';
import { comparePoints } from './point.ts';
import { BrokenRule, type Row } from './row.ts';

/** What one source is asked for: a query without a limit, and the last point that is wanted, inclusive. */
export interface Wanted extends Omit<Query, 'limit'> {
  readonly until?: Point | undefined;
}

/** How a query is split between a source and the core. */
export interface Split {
  /** What the source is given. */
  readonly query: Query;
  readonly order: Plan['order'];
  /** `skip`: not wanted. `end`: not wanted, and as the source is in order, neither is what follows. */
  judge(row: Row): 'take' | 'skip' | 'end';
}

const NOTHING: Plan = { where: [], order: 'none', range: false, seeks: false };
const SUPPORT: readonly Support[] = ['exact', 'inexact', 'unsupported'];
const ORDERS: readonly Plan['order'][] = ['exact', 'time', 'none'];

/** Asks the source for its plan, and divides the work by it. `rows` is how many the core will use at most. */
export async function split(facet: QueryFacet, wanted: Wanted, rows: number): Promise<Split> {
  const { until, ...rest } = narrowed(wanted);
  const query: Query = rest;
  const plan = facet.plan ? checked(await facet.plan(query), query) : NOTHING;
  const whole = plan.where.length === query.where.length && plan.where.every((support) => support === 'exact');
  const limited = whole && plan.order === 'exact' && plan.range && (plan.seeks || !query.after);
  return { query: limited ? { ...query, limit: rows } : query, order: plan.order, judge: judgement(plan, query, until) };
}

/** `after` and `until` bound the time as well, which helps a source that only knows ranges. */
function narrowed(wanted: Wanted): Wanted {
  const [begin, end] = wanted.order === 'oldest' ? [wanted.after, wanted.until] : [wanted.until, wanted.after];
  const from = begin ? Math.max(wanted.from, begin.time) : wanted.from;
  const to = end ? Math.min(wanted.to, end.time + 1) : wanted.to;
  return { ...wanted, from, to };
}

function checked(plan: Plan, query: Query): Plan {
  if (typeof plan !== 'object' || plan === null) throw new BrokenRule('plan() returns {where, order, range, seeks}', plan);
  const { where, order, range, seeks } = plan;
  if (!Array.isArray(where) || where.length !== query.where.length || !where.every((one) => SUPPORT.includes(one))) {
    throw new BrokenRule(`plan().where has one of ${SUPPORT.join(', ')} for each of the ${query.where.length} conditions`, where);
  }
  if (!ORDERS.includes(order)) throw new BrokenRule(`plan().order is one of ${ORDERS.join(', ')}`, order);
  if (typeof range !== 'boolean' || typeof seeks !== 'boolean')
    throw new BrokenRule('plan().range and plan().seeks are booleans', { range, seeks });
  return plan;
}

function judgement(plan: Plan, query: Query, until: Point | undefined): Split['judge'] {
  const left = query.where.filter((_, index) => plan.where[index] !== 'exact');
  const fits = left.length > 0 ? compile(left) : undefined;
  const beyond = plan.order === 'none' ? 'skip' : 'end';
  const newest = query.order === 'newest';
  return (row) => {
    if (row.time < query.from || row.time >= query.to) {
      if (plan.range) throw new BrokenRule('a plan with range: true yields only what is in [from, to)', row.time);
      return row.time < query.from === newest ? beyond : 'skip';
    }
    if (query.after && comparePoints(query.order, row, query.after) <= 0) {
      if (plan.seeks) throw new BrokenRule('a plan with seeks: true yields only what is strictly behind `after`', `${row.time} ${row.id}`);
      return 'skip';
    }
    if (until && comparePoints(query.order, row, until) > 0) return plan.order === 'exact' ? 'end' : 'skip';
    return !fits || fits(row.body) ? 'take' : 'skip';
  };
}
