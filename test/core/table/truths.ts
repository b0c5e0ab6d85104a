import fc from 'fast-check';
import { expect } from 'vitest';
import type { Runner } from '../../../core/conformance/index.ts';
import { compare } from '../../../core/conformance/rules.ts';
import { runOf } from '../../../core/conformance/stand.ts';
import type { Condition, Draft, Json, JsonObject, Query, Source } from '../../../core/contract/index.ts';
import { compile } from '../../../core/query/conditions.ts';

import { condition, EPOCH, everything, isLong, row, SECOND, type TruthRow } from './truth-rows.ts';

/** A database with a table of the columns above and a key `id` that it gives by itself; `word` has an index, and `at` is the time. */
export interface TruthPlace {
  /** Replaces all rows. */
  fill(rows: readonly TruthRow[]): Promise<void>;
  readonly source: Source;
  close(): Promise<void>;
}
/** What is true of a table as a source, whatever its database. */
export function tableTruths({ describe, it }: Runner, open: () => Promise<TruthPlace>): void {
  const test = (name: string, body: (place: TruthPlace) => Promise<void>) =>
    it(name, async () => {
      const place = await open();
      try {
        await body(place);
      } finally {
        await place.close();
      }
    });

  describe('a table as a source', () => {
    test('tells what is stored', async (place) => {
      await fc.assert(
        fc.asyncProperty(fc.array(row, { maxLength: 20 }), async (rows) => {
          await place.fill(rows);
          const bodies = (await all(place.source, { ...everything, order: 'oldest' })).map(bodyOf);
          const told = bodies.map(({ id, ...rest }) => JSON.stringify(rest)).sort();
          expect(told).toEqual(rows.map((one) => JSON.stringify(toldAs(one))).sort());
        }),
        { numRuns: isLong ? 200 : 15 },
      );
    });

    test('finds what a condition means, no more and no less than it promises', async (place) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(row, { minLength: 1, maxLength: 40 }),
          fc.array(condition, { minLength: 60, maxLength: 60 }),
          async (rows, conditions) => {
            await place.fill(rows);
            const drafts = await all(place.source, everything);
            for (const one of conditions) await holdsPromise(place.source, drafts, [one]);
            for (let at = 0; at + 1 < conditions.length; at += 5) await holdsPromise(place.source, drafts, conditions.slice(at, at + 2));
          },
        ),
        { numRuns: isLong ? 300 : 12 },
      );
    });

    test('pages as sorting would, from any place and of any size', async (place) => {
      const moment = fc.integer({ min: -1, max: 14 }).map((half) => EPOCH + (half * SECOND) / 2);
      const id = fc.oneof(
        fc.bigInt(-1n, 60n).map((key) => `truths.${key.toString().padStart(20, '0')}`),
        fc.constantFrom('a', 'zzz', 'truths.', 'truths.x', 'truths.0'),
      );
      const query = fc.record({
        from: moment,
        to: moment,
        order: fc.constantFrom<Query['order']>('newest', 'oldest'),
        after: fc.option(fc.record({ time: moment, id }), { nil: undefined }),
        limit: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(row, { maxLength: 50 }), fc.array(query, { minLength: 10, maxLength: 10 }), async (rows, queries) => {
          await place.fill(rows);
          const known = await all(place.source, everything);
          for (const { after, limit, ...rest } of queries) {
            const asked: Query = { ...rest, where: [], ...(after && { after }), ...(limit !== undefined && { limit }) };
            expect((await all(place.source, asked)).map(({ id }) => id)).toEqual(sorted(known, asked).map(({ id }) => id));
          }
        }),
        { numRuns: isLong ? 200 : 15 },
      );
    });

    test('pages through many rows without a limit', async (place) => {
      const rows = Array.from(
        { length: 5300 },
        (_, n): TruthRow => ({ ...BLANK, whole: BigInt(n), at: EPOCH + Math.floor(n / 700) * SECOND }),
      );
      await place.fill(rows);
      for (const order of ['newest', 'oldest'] as const) {
        const drafts = await all(place.source, { ...everything, order });
        expect(drafts.map(({ id }) => id)).toEqual(sorted(drafts, { ...everything, order }).map(({ id }) => id));
        expect(new Set(drafts.map(({ id }) => id)).size).toBe(rows.length);
      }
    });

    test('keeps every digit', async (place) => {
      await place.fill([
        { ...BLANK, whole: 9007199254740993n },
        { ...BLANK, whole: -9223372036854775807n },
        { ...BLANK, amount: '12.50' },
      ]);
      const drafts = await all(place.source, { ...everything, order: 'oldest' });
      expect(drafts[0]?.json).toContain('"whole":9007199254740993,');
      expect(drafts[1]?.json).toContain('"whole":-9223372036854775807,');
      expect(drafts[2]?.json).toContain('"amount":12.50,');
      const found = await all(place.source, { ...everything, where: [{ field: 'whole', op: '=', value: '9007199254740993' }] });
      expect(found.map(({ id }) => id)).toEqual([drafts[0]?.id]);
      expect(await all(place.source, { ...everything, where: [{ field: 'whole', op: '=', value: '9007199254740992' }] })).toEqual([]);
    });
  });
}

const BLANK: TruthRow = { word: null, whole: null, amount: null, ratio: null, flag: null, facts: null, seen: null, bytes: null, at: EPOCH };

/** Compares what the source finds with what the definition of conditions says about all rows. */
async function holdsPromise(source: Source, drafts: readonly Draft[], where: readonly Condition[]): Promise<void> {
  const query: Query = { ...everything, where };
  const plan = await source.query?.plan?.(query);
  const found = new Set((await all(source, query)).map(({ id }) => id));
  const holds = compile(where);
  const wanted = drafts.filter((draft) => holds(bodyOf(draft)));
  const told = JSON.stringify(where);
  for (const draft of wanted) expect(found.has(draft.id), `${told} finds ${draft.json}`).toBe(true);
  if (plan?.where.every((support) => support === 'exact')) {
    const surplus = drafts.filter(({ id }) => found.has(id) && !wanted.some((one) => one.id === id));
    expect(
      surplus.map(({ json }) => json),
      `${told} finds no more than it means`,
    ).toEqual([]);
  }
}

async function all(source: Source, query: Query): Promise<Draft[]> {
  const drafts: Draft[] = [];
  for await (const batch of source.query?.run(query, runOf(new AbortController().signal)) ?? []) drafts.push(...batch);
  return drafts;
}

function sorted(drafts: readonly Draft[], query: Query): Draft[] {
  const sign = query.order === 'newest' ? -1 : 1;
  const { after } = query;
  return drafts
    .filter(({ time }) => time >= query.from && time < query.to)
    .filter((draft) => !after || sign * compare(draft, after) > 0)
    .sort((a, b) => sign * compare(a, b))
    .slice(0, query.limit);
}

function bodyOf({ json }: Draft): JsonObject {
  return JSON.parse(json) as JsonObject;
}

function toldAs(row: TruthRow): JsonObject {
  const time = (micros: number) => new Date(micros / 1000).toISOString().replace('Z', '000Z');
  return {
    word: row.word,
    whole: row.whole === null ? null : Number(row.whole),
    amount: row.amount === null ? null : Number(row.amount),
    ratio: row.ratio,
    flag: row.flag,
    facts: row.facts === null ? null : (JSON.parse(row.facts) as Json),
    seen: row.seen === null ? null : time(row.seen),
    bytes: row.bytes === null ? null : Buffer.from(row.bytes).toString('base64'),
    at: time(row.at),
  };
}
