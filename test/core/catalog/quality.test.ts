import { describe, expect, it } from 'vitest';
import { qualityOf } from '../../../core/catalog/quality.ts';
import { draft, type Entry, type Json, type JsonObject, type Micros, type Quality } from '../../../core/contract/index.ts';
import { vocabularyOptions } from '../../../core/dora/vocabulary.ts';
import { Row } from '../../../core/query/row.ts';

const NOW: Micros = Date.UTC(2025, 10, 7) * 1000;
const DAY = 86_400_000_000;
const HOUR = DAY / 24;
const words = vocabularyOptions.parse(undefined);
const PHASES = ['planning', 'development', 'testing', 'deployment'];

interface Made {
  readonly time: Micros;
  readonly body: Record<string, Json>;
}

/** 1000 rows of 250 cycles, ten a week over 100 weeks, nothing wrong with them. */
function metrics(): Made[] {
  return Array.from({ length: 1000 }, (_, index) => ({
    time: NOW - Math.floor(index / 10) * 7 * DAY - (index % 10) * HOUR,
    body: {
      id: index,
      cycle_id: `cycle-${Math.floor(index / 4)}`,
      feature_id: `feature-${Math.floor(index / 8)}`,
      phase_name: PHASES[index % 4] as string,
      decision: index % 4 === 3 ? 'GO' : 'approved',
      duration_seconds: index % 50,
      metadata: { developer: 'ana', tests_failed: 0, code_review_score: 0.5 },
      created_at: `row ${index}`,
    },
  }));
}

/** 1000 lines, ten an hour over 100 hours. */
function logs(): Made[] {
  return Array.from({ length: 1000 }, (_, index) => ({
    time: NOW - Math.floor(index / 10) * HOUR - (index % 10) * 60_000_000,
    body: {
      timestamp: `time ${index}`,
      level: index % 9 === 0 ? 'error' : 'INFO',
      logger: 'app',
      message: `line ${index}`,
      duration_ms: index,
      ...(index % 3 === 0 && { request_id: `r${index}` }),
    },
  }));
}

const entriesOf = (type: string, made: readonly Made[]): Entry[] =>
  made.map(({ time, body }, index) => new Row(type, 'source', draft(body as JsonObject, { time, id: `id.${index}` })));
const qualityFor = (type: string, made: readonly Made[], expects = {}): Promise<Quality> =>
  qualityOf({ type, entries: entriesOf(type, made), at: NOW }, expects, words);
const scores = ({ parts }: Quality) => Object.fromEntries(Object.entries(parts).map(([name, { score }]) => [name, score]));

const WHOLE = { completeness: 100, validity: 100, consistency: 100, timeliness: 100, accuracy: 100 };

/** Every tenth row is changed. */
const inTenPercent = (change: (row: Made, all: readonly Made[], index: number) => Made) => (all: readonly Made[]) =>
  all.map((row, index) => (index % 10 === 5 ? change(row, all, index) : row));
const having = (more: Record<string, Json>) => inTenPercent((row) => ({ ...row, body: { ...row.body, ...more } }));
const without = (field: string) =>
  inTenPercent((row) => ({ ...row, body: Object.fromEntries(Object.entries(row.body).filter(([name]) => name !== field)) }));
const inMetadata = (more: Record<string, Json>) =>
  inTenPercent((row) => ({ ...row, body: { ...row.body, metadata: { ...(row.body['metadata'] as object), ...more } } }));
const inFuture = inTenPercent((row) => ({ ...row, time: NOW + HOUR }));
const copied = inTenPercent((row, all, index) => {
  const original = all[index - 1] as Made;
  return { time: original.time, body: { ...original.body, ...('id' in row.body && { id: row.body['id'] as Json }) } };
});
const silent = (period: Micros) => (all: readonly Made[]) => all.filter(({ time }) => Math.floor((NOW - time) / period) % 10 !== 5);

type Plant = (all: readonly Made[]) => readonly Made[];
const FAULTS: [type: string, make: () => Made[], part: keyof typeof WHOLE, what: string, plant: Plant][] = [
  ['metrics', metrics, 'completeness', 'null', having({ feature_id: null })],
  ['metrics', metrics, 'completeness', 'an empty text', having({ decision: '' })],
  ['metrics', metrics, 'completeness', 'an absent field', without('cycle_id')],
  ['metrics', metrics, 'validity', 'an unknown decision', having({ decision: 'perhaps' })],
  ['metrics', metrics, 'validity', 'an unknown phase', having({ phase_name: 'lunch' })],
  ['metrics', metrics, 'validity', 'another kind', having({ duration_seconds: 'long' })],
  ['metrics', metrics, 'consistency', 'a second time', copied],
  ['metrics', metrics, 'consistency', 'a cycle of another feature', having({ feature_id: 'feature-other' })],
  ['metrics', metrics, 'timeliness', 'nothing in a week', silent(7 * DAY)],
  ['metrics', metrics, 'accuracy', 'a negative duration', having({ duration_seconds: -1 })],
  ['metrics', metrics, 'accuracy', 'a negative number one level down', inMetadata({ tests_failed: -3 })],
  ['metrics', metrics, 'accuracy', 'a score above 1', inMetadata({ code_review_score: 7 })],
  ['metrics', metrics, 'accuracy', 'the future', inFuture],
  ['logs', logs, 'completeness', 'an absent field', without('message')],
  ['logs', logs, 'validity', 'an unknown level', having({ level: 'LOUD' })],
  ['logs', logs, 'consistency', 'a second time', copied],
  ['logs', logs, 'timeliness', 'nothing in an hour', silent(HOUR)],
  ['logs', logs, 'accuracy', 'a negative duration', having({ duration_ms: -1 })],
];

describe('quality', () => {
  it.each([
    ['metrics', metrics],
    ['logs', logs],
  ] as const)('of %s without a fault is 100 in every part', async (type, make) => {
    const quality = await qualityFor(type, make());
    expect(scores(quality)).toEqual(WHOLE);
    expect(quality).toMatchObject({ score: 100, class: 'healthy', entries: 1000 });
  });

  it.each(FAULTS)(
    'of %s: a fault in 10 %% moves its part by 10 points and no other: %s, %s, %s',
    async (type, make, part, _what, plant) => {
      const quality = await qualityFor(type, plant(make()));
      expect(scores(quality)).toEqual({ ...WHOLE, [part]: 90 });
      expect(quality.score).toBeCloseTo(100 - 10 * quality.parts[part].weight, 10);
    },
  );

  it.each([
    ['completeness', { required: ['metadata.developer'] }, inMetadata({ developer: '' })],
    ['validity', { values: { 'metadata.developer': ['ana', 'bo'] } }, inMetadata({ developer: 'eve' })],
    ['timeliness', { every: 14 * 86_400_000 }, silent(14 * DAY)],
  ] as const)('is measured by what the owner expects: %s', async (part, expects, plant) => {
    expect(scores(await qualityFor('metrics', metrics(), expects))).toEqual(WHOLE);
    expect(scores(await qualityFor('metrics', plant(metrics()), expects))).toEqual({ ...WHOLE, [part]: 90 });
  });

  it('expects nothing usual of a source that has none of it, but what it always has', async () => {
    const sparse = metrics().map(({ time }, index) => ({ time, body: { load: index, host: 'a', ...(index % 2 === 0 && { extra: 1 }) } }));
    const quality = await qualityFor(
      'metrics',
      sparse.map((row, index) => (index % 10 === 5 ? { ...row, body: { load: index } } : row)),
    );
    expect(scores(quality)).toEqual({ ...WHOLE, completeness: 90 });
    expect(quality.parts.completeness.rule).toContain('load, host (');
  });

  it('leaves fields alone whose name only looks like a fraction', async () => {
    expect(
      scores(
        await qualityFor(
          'metrics',
          metrics().map((row) => ({ ...row, body: { ...row.body, credit_score: 700 } })),
        ),
      ),
    ).toEqual(WHOLE);
  });

  it('says that there is no data instead of a score', async () => {
    const quality = await qualityFor('metrics', []);
    expect(quality).toMatchObject({ score: null, class: 'no data', entries: 0 });
    expect(new Set(Object.values(scores(quality)))).toEqual(new Set([null]));
  });

  const mostly = (share: number, more: Record<string, Json>) =>
    metrics().map((row, index) => (index % 100 < share ? { ...row, body: { ...row.body, ...more } } : row));

  it.each([undefined, ['id', 'decision', 'phase_name']])(
    'never rises as more entries lose a usual field, the fields told being %s',
    async (told) => {
      const fields = told?.map((name) => ({ name, kinds: [] }));
      const losing = async (share: number) =>
        (await qualityOf({ type: 'metrics', entries: entriesOf('metrics', mostly(share, { decision: null })), at: NOW, fields }, {}, words))
          .parts.completeness;
      for (const share of [0, 49, 51, 95, 100]) expect(await losing(share)).toMatchObject({ score: 100 - share });
      expect((await losing(51)).rule).toContain(told ? '(the usual fields of metrics that the source has)' : 'that any of the entries has');
    },
  );

  it('knows a review score for a fraction, however many are none', async () => {
    const { parts } = await qualityFor('metrics', mostly(95, { metadata: { code_review_score: 5 } }));
    expect(parts.accuracy).toMatchObject({ score: 5, rule: expect.stringContaining('0 to 1 in code_review_score') });
  });

  it("takes a field's kind from what the source tells of it, and that of most entries where it tells none, or several", async () => {
    const entries = entriesOf('metrics', mostly(95, { duration_seconds: 'x' }));
    const told = async (...kinds: string[]) => {
      const fields = [{ name: 'duration_seconds', kinds }];
      return (await qualityOf({ type: 'metrics', entries, at: NOW, fields }, {}, words)).parts.validity;
    };
    expect(await told('null', 'number')).toMatchObject({ score: 5, rule: expect.stringContaining('kind that the source tells of it') });
    expect(await told('number', 'string')).toMatchObject({ score: 95 });
    expect(await told('decimal')).toMatchObject({ score: 95 });
  });

  it('counts what the source left out as invalid', async () => {
    const sample = { type: 'logs', entries: entriesOf('logs', logs().slice(0, 900)), at: NOW, skipped: 100 };
    const { parts } = await qualityOf(sample, {}, words);
    expect(parts.validity).toMatchObject({ numerator: 900, denominator: 1000, score: 90, rule: expect.stringContaining('left out') });
    expect(parts.completeness).toMatchObject({ denominator: 900, score: 100 });
    expect((await qualityOf({ ...sample, entries: [] }, {}, words)).parts.validity).toMatchObject({ score: 0 });
  });

  it('has a class by the thresholds 90 and 75', async () => {
    const class_ = async (plant: Plant) => (await qualityFor('metrics', plant(metrics()))).class;
    const most = (share: number) => (all: readonly Made[]) =>
      all.map((row, index) => (index % 10 < share ? { ...row, body: { ...row.body, decision: '' } } : row));
    expect(await class_(most(4))).toBe('healthy');
    expect(await class_((all) => most(4)(having({ phase_name: 'lunch' })(all)))).toBe('warning');
    expect(await class_(() => metrics().map((row) => ({ ...row, body: { ...row.body, decision: 'x', duration_seconds: -1 } })))).toBe(
      'critical',
    );
  });
});
