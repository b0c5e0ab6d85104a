import type { Draft, Query, QueryFacet, Run } from '../../core/contract/index.ts';
import { LOGS } from '../cassandra/tables.ts';
import { linesByHours } from './by-hours.ts';
import { linesByRequest } from './by-request.ts';
import { entryOf, type Line, Lines, pieces } from './lines.ts';
import { narrow } from './narrowing.ts';
import type { Reads } from './reads.ts';

/** Lines that are handed on together, so that other work gets its turn in between. */
const BATCH = 500;

/** Lines in exact order; `host` is of this agent. Each page of a query is sought anew, so that nothing of it is kept here. */
export function logQuery(reads: Reads, host: string): QueryFacet {
  return {
    plan: (query) => ({ where: narrow(query).where, order: 'exact', range: true, seeks: true }),
    run: (query, run) => drafts(reads, host, query, run),
  };
}

async function* drafts(reads: Reads, host: string, query: Query, run: Run): AsyncGenerator<readonly Draft[], void, void> {
  for await (const lines of linesOf(reads, query, run.signal)) {
    for (const some of pieces(lines, BATCH)) {
      const good = some.map((line) => entryOf(line, host)).filter((entry) => entry !== undefined);
      const bad = some.length - good.length;
      if (bad > 0) run.note('malformed', `${bad} rows of ${reads.name(LOGS)} that are no line of JSON were left out`, bad);
      if (good.length > 0) yield good;
    }
  }
}

function linesOf(reads: Reads, query: Query, signal: AbortSignal): AsyncIterable<readonly Line[]> {
  const { narrowing } = narrow(query);
  const { order, after, limit } = query;
  const range = {
    from: order === 'oldest' && after ? Math.max(query.from, after.time) : query.from,
    to: order === 'newest' && after ? Math.min(query.to, after.time + 1) : query.to,
  };
  const lines = new Lines(reads, { ...range, order, ...(after && { after }) }, signal);
  if (narrowing.requests) return linesByRequest(reads, lines, narrowing.requests, order, signal);
  return linesByHours({ reads, lines, order, narrowing }, { ...range, order, ...(limit !== undefined && { limit }) }, signal);
}
