import type { DoraRequest, Services } from '../../../core/contract/index.ts';
import { createDora } from '../../../core/dora/dora.ts';
import { vocabularyOptions } from '../../../core/dora/vocabulary.ts';
import { engine, type Fact, listSource, type Manner, member, never, plain } from '../query/sources.ts';
import type { TableRow } from './in-sql.ts';

export type Report = Awaited<ReturnType<Services['dora']>>;

export function factOf({ id, time, ...body }: TableRow): Fact {
  return { id, time, body };
}

/** A metrics source over rows in memory. */
export function metrics(name: string, rows: readonly TableRow[], manner: Partial<Manner> = {}) {
  const facet = listSource(() => rows.map(factOf), { ...plain, batch: 1000, ...manner });
  return { facet, member: member(name, { query: facet }, { type: 'metrics' }) };
}

/** The four keys by the real query engine. */
export function ask(members: Parameters<typeof engine>[0], request: DoraRequest, vocabulary: object = {}): Promise<Report> {
  return createDora({ query: engine(members).query, vocabulary: vocabularyOptions.parse(vocabulary) })(request, never);
}
