import { MOST_GROUPS, measureName, type StatsFacet, type StatsQuery, type StatsRow } from '../contract/index.ts';
import { TooManyGroups } from './groups.ts';
import type { Inquiry } from './inquiry.ts';
import { BrokenRule } from './row.ts';

/** What a source counted; `undefined` when it cannot, or failed, which its inquiry then knows. */
export async function fromSource(inquiry: Inquiry, query: StatsQuery): Promise<readonly StatsRow[] | undefined> {
  const facet = inquiry.member.source?.stats;
  if (!facet) return undefined;
  try {
    inquiry.enter();
    const can = await inquiry.allowance.wait(() => facet.plan(query));
    if (typeof can !== 'boolean') throw new BrokenRule('stats.plan() says true or false', can);
    return can ? await inquiry.allowance.wait(() => collect(facet, query, inquiry)) : undefined;
  } catch (error) {
    // The request asks for too much, whatever source noticed it.
    if (error instanceof TooManyGroups) throw error;
    inquiry.fail(error);
    return undefined;
  }
}

async function collect(facet: StatsFacet, query: StatsQuery, { run }: Inquiry): Promise<StatsRow[]> {
  const rows: StatsRow[] = [];
  for await (const batch of facet.run(query, run)) {
    run.signal.throwIfAborted();
    if (!Array.isArray(batch)) throw new BrokenRule('stats.run() yields lists of rows', batch);
    for (const row of batch as readonly StatsRow[]) rows.push(checked(row, query));
    if (rows.length > MOST_GROUPS) throw new TooManyGroups(query);
  }
  return rows;
}

function checked(row: StatsRow, query: StatsQuery): StatsRow {
  const { time, group, count, values } = row ?? {};
  if (!Number.isSafeInteger(count) || count < 1) throw new BrokenRule('a row of stats counts one entry or more', row);
  if ((query.bucket === undefined) !== (time === undefined) || (time !== undefined && !Number.isSafeInteger(time)))
    throw new BrokenRule('a row of stats has a time when there are buckets, and only then', row);
  if (!query.by.every((field) => group?.[field] !== undefined))
    throw new BrokenRule('a row of stats has a value for each field of by', row);
  const odd = query.measures.find((measure) => !isMeasured(values?.[measureName(measure)]));
  if (odd) throw new BrokenRule(`a row of stats has a finite number or null for ${measureName(odd)}`, row);
  return row;
}

function isMeasured(value: number | null | undefined): boolean {
  return value === null || Number.isFinite(value);
}
