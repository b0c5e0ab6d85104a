import { type Condition, type DoraRequest, LONGEST_DAYS, type Micros, RequestError, type Services } from '../contract/index.ts';
import { definitionsOf } from './definitions.ts';
import { fourKeys } from './figures.ts';
import { Reading } from './reading.ts';
import type { DoraRow } from './row.ts';
import type { Span } from './span.ts';
import { roles, type Vocabulary } from './vocabulary.ts';

export interface DoraOptions {
  readonly query: Services['query'];
  readonly vocabulary: Vocabulary;
}

const DAY = 86_400_000_000;
/** Values of one condition. */
const CHUNK = 200;
const MOST_WORDS = 10;

/**
 * DORA's four keys, from the metrics of every source. The window and the one before are read whole; then, of the features and
 * cycles that count there, the rows outside of both.
 */
export function createDora({ query, vocabulary }: DoraOptions): Services['dora'] {
  const roleOf = roles(vocabulary);
  const definitions = definitionsOf(vocabulary);
  return async (request, signal) => {
    check(request);
    const { from, to, sources } = request;
    const both = { from: from - (to - from), to };
    const reading = new Reading({ query, roleOf, sources, signal });
    await toEnd(reading.pages(both));
    const { rows } = reading;
    const uncounted = [...leftOut(reading.left), ...unknownDecisions(rows.filter((row) => row.time >= from))];
    await readAround(reading, both, rows);
    return {
      ...fourKeys(reading, request),
      definitions,
      sources: reading.sources,
      notes: [...reading.notes, ...uncounted],
    };
  };
}

function check({ from, to, group }: DoraRequest): void {
  for (const [name, value] of Object.entries({ from, to })) {
    if (!Number.isSafeInteger(value))
      throw new RequestError(name, `${name} is a whole number of microseconds since 1970, not ${String(value)}`);
  }
  if (from >= to) throw new RequestError('from', 'from must be earlier than to');
  if (to - from > LONGEST_DAYS * DAY) throw new RequestError('from', `a window has at most ${LONGEST_DAYS} days`);
  if (!['day', 'week', 'month'].includes(group))
    throw new RequestError('group', `group is day, week or month, not ${JSON.stringify(group)}`);
}

/** Lead times begin, and failures began, before both windows; deployments fail, and failures end, after them. */
async function readAround(reading: Reading, both: Span, rows: readonly DoraRow[]): Promise<void> {
  const features = new Set(rows.filter((row) => row.deployed === 'success').map((row) => row.feature));
  const failing = new Set(rows.filter((row) => row.failing).map((row) => row.cycle));
  const cycles = new Set(rows.filter((row) => row.deployed || row.failing).map((row) => row.cycle));
  if (both.from > 0) await readRelated(reading, { to: both.from }, features, failing);
  if (both.to < Number.MAX_SAFE_INTEGER) await readRelated(reading, { from: both.to }, new Set(), cycles);
}

type Names = ReadonlySet<string | undefined>;

/**
 * All that is there, or by conditions only what is about these features and cycles: which is quicker depends on how much there is,
 * and whether the source has an index. So both are begun, each gets the same time, and the first to end has it all.
 */
async function readRelated(reading: Reading, range: { from?: Micros; to?: Micros }, features: Names, cycles: Names): Promise<void> {
  const conditions = [...anyOf('feature_id', features), ...anyOf('cycle_id', cycles)];
  if (conditions.length === 0) return;
  const related = ({ feature, cycle }: DoraRow) =>
    (feature !== undefined && features.has(feature)) || (cycle !== undefined && cycles.has(cycle));
  async function* byConditions() {
    for (const condition of conditions) {
      yield* reading.pages(range, { where: [condition], related });
      yield;
    }
  }
  await firstToEnd([reading.pages(range, { related }), byConditions()]);
}

type Steps = AsyncGenerator<void, void>;

async function toEnd(steps: Steps): Promise<void> {
  while (!(await steps.next()).done);
}

async function firstToEnd(all: readonly Steps[]): Promise<void> {
  const ways = all.map((steps) => ({ steps, spent: 0 }));
  for (;;) {
    const way = ways.reduce((a, b) => (b.spent < a.spent ? b : a));
    const began = performance.now();
    if ((await way.steps.next()).done) return;
    way.spent += performance.now() - began;
  }
}

function anyOf(field: string, names: Names): Condition[] {
  const known = [...names].filter((name) => name !== undefined);
  const conditions: Condition[] = [];
  for (let at = 0; at < known.length; at += CHUNK) conditions.push({ field, op: '=', value: known.slice(at, at + CHUNK) });
  return conditions;
}

function leftOut(left: ReadonlyMap<string, number>): string[] {
  return [...left].map(
    ([source, count]) => `${source}: ${count} rows of the window and the one before have no phase_name and no part in the four keys`,
  );
}

function unknownDecisions(rows: readonly DoraRow[]): string[] {
  const counts = new Map<string, number>();
  for (const { unknown } of rows) if (unknown !== undefined) counts.set(unknown, (counts.get(unknown) ?? 0) + 1);
  if (counts.size === 0) return [];
  const sum = [...counts.values()].reduce((a, b) => a + b, 0);
  const named = [...counts]
    .sort((a, b) => b[1] - a[1])
    .slice(0, MOST_WORDS)
    .map(([word, count]) => `${word === '' ? 'none' : JSON.stringify(word.slice(0, 50))} (${count})`);
  const more = counts.size > MOST_WORDS ? ` and ${counts.size - MOST_WORDS} others` : '';
  return [`${sum} deployment rows are not counted, as their decision says neither success nor failure: ${named.join(', ')}${more}`];
}
