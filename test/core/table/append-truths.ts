import { afterAll, beforeAll, beforeEach, expect, it, test } from 'vitest';
import { type Appended, formatTime, type JsonObject, type Micros, now, type Source } from '../../../core/contract/index.ts';

/** Two instances of a plugin over one empty table of DORA rows, with connections of their own. */
export interface AppendStage {
  readonly one: Appender;
  readonly other: Appender;
  /** All rows, oldest first. */
  rows(): Promise<JsonObject[]>;
  empty(): Promise<void>;
  close(): Promise<void>;
}

export type Appender = Required<Pick<Source, 'append'>>;

const forever = new AbortController().signal;
const TIME = '2025-11-07T02:00:00.123456Z';
const ROW = {
  cycle_id: 'C-1',
  feature_id: 'F-1',
  phase_name: 'deployment',
  decision: 'go',
  duration_seconds: 12.5,
  metadata: { developer: 'ana', tags: ['a', 'b'], n: 1, '': null, deep: { b: 1, a: [true, 1.5] } },
  created_at: TIME,
};
const { created_at: _time, ...UNTIMED } = ROW;

export function appendTruths(open: () => Promise<AppendStage>): void {
  let stage: AppendStage;
  beforeAll(async () => {
    stage = await open();
  });
  afterAll(() => stage?.close());
  beforeEach(() => stage.empty());

  const append = (bodies: readonly JsonObject[], time?: Micros) => stage.one.append(bodies, forever, time);
  const statuses = (results: readonly Appended[]) => results.map(({ status }) => status);

  it('adds a row and answers it as a query does', async () => {
    const [added] = await append([ROW]);
    if (added?.status !== 'added') throw new Error(JSON.stringify(added));
    const [row] = await stage.rows();
    expect(JSON.parse(added.entry.json)).toEqual(row);
    expect(row).toEqual({ ...ROW, id: expect.any(Number) });
    expect(added.entry.json).toContain('"duration_seconds":12.50');
    expect(added.entry.id).toMatch(/^dora\.\d{20}$/);
    expect(formatTime(added.entry.time)).toBe(TIME);
  });

  it('finds the same observation there already, also when its keys come in another order', async () => {
    await append([ROW]);
    const again = {
      ...ROW,
      duration_seconds: '12.500',
      metadata: { ...ROW.metadata, deep: { a: [true, 1.5], b: 1 } },
      created_at: '2025-11-06T20:00:00.123456-06:00',
    };
    expect(statuses(await append([again, ROW]))).toEqual(['present', 'present']);
    expect(await stage.rows()).toHaveLength(1);
  });

  it('takes two equal bodies of one call for one observation', async () => {
    expect(statuses(await append([ROW, { ...ROW, phase_name: 'testing' }, ROW]))).toEqual(['added', 'added', 'present']);
    expect(await stage.rows()).toHaveLength(2);
  });

  it('tells a conflict, and then writes nothing', async () => {
    await append([ROW]);
    const results = await append([
      { ...ROW, cycle_id: 'C-2' },
      { ...ROW, decision: 'no-go' },
      { ...ROW, cycle_id: 'C-3' },
    ]);
    expect(results).toEqual([
      { status: 'skipped' },
      {
        status: 'conflict',
        field: 'decision',
        reason: expect.stringMatching(/created_at, cycle_id, feature_id, phase_name is there \(\d+\), and its decision is "go"/),
      },
      { status: 'skipped' },
    ]);
    expect(await stage.rows()).toHaveLength(1);
  });

  it('finds a conflict within one call', async () => {
    expect(statuses(await append([ROW, { ...ROW, metadata: {} }]))).toEqual(['skipped', 'conflict']);
    expect(await stage.rows()).toEqual([]);
  });

  it('keeps apart what differs in case, in a blank or in an accent only', async () => {
    const names = ['C', 'c', 'C ', ' C', 'Ç', 'ç', '😀'];
    expect(statuses(await append(names.map((cycle_id) => ({ ...ROW, cycle_id }))))).toEqual(names.map(() => 'added'));
    expect((await stage.rows()).map(({ cycle_id }) => cycle_id)).toEqual(names);
  });

  it('gives bodies without a time a moment each, so that two posts are two rows', async () => {
    const before = now();
    expect(statuses(await append([UNTIMED, UNTIMED]))).toEqual(['added', 'added']);
    expect(statuses(await append([UNTIMED]))).toEqual(['added']);
    const times = (await stage.rows()).map(({ created_at }) => created_at as string);
    expect(new Set(times).size).toBe(3);
    for (const time of times) expect(time >= formatTime(before) && time < formatTime(now() + 1_000_000)).toBe(true);
  });

  it('gives them the time of the call when there is one, so that the call may be repeated', async () => {
    const at = now();
    const bodies = [UNTIMED, { ...ROW, cycle_id: 'timed' }, UNTIMED];
    expect(statuses(await append(bodies, at))).toEqual(['added', 'added', 'added']);
    expect(statuses(await append(bodies, at))).toEqual(['present', 'present', 'present']);
    expect((await stage.rows()).map(({ created_at }) => created_at)).toEqual([TIME, formatTime(at), formatTime(at + 1)]);
  });

  test.each<[string, JsonObject, string, RegExp]>([
    ['an unknown field', { ...ROW, desicion: 'go' }, 'desicion', /no field "desicion"; did you mean decision\?/],
    ['a field of Object.prototype', JSON.parse('{"__proto__":1}'), '__proto__', /no field "__proto__"/],
    ['the key', { ...ROW, id: 7 }, 'id', /given by the database/],
    ['nothing', {}, 'cycle_id', /cycle_id is missing/],
    ['null where there must be something', { ...ROW, decision: null }, 'decision', /must not be null/],
    ['a number for a text', { ...ROW, decision: 1 }, 'decision', /must be a text, not 1/],
    ['a text that is too long', { ...ROW, decision: '😀'.repeat(21) }, 'decision', /21 characters; there is room for 20/],
    ['a NUL', { ...ROW, cycle_id: 'a\0b' }, 'cycle_id', /NUL/],
    ['half a character', { ...ROW, cycle_id: '\ud83d' }, 'cycle_id', /half of a character/],
    [
      'a third digit behind the point',
      { ...ROW, duration_seconds: 0.125 },
      'duration_seconds',
      /3 digits behind the point; there is room for 2/,
    ],
    ['too many digits', { ...ROW, duration_seconds: 123_456_789 }, 'duration_seconds', /9 digits before the point; there is room for 8/],
    ['a text that is no number', { ...ROW, duration_seconds: '1e3' }, 'duration_seconds', /must be a decimal number/],
    ['true for a number', { ...ROW, duration_seconds: true }, 'duration_seconds', /must be a decimal number/],
    ['a text for JSON', { ...ROW, metadata: '{}' }, 'metadata', /must be an object or a list/],
    ['JSON that is too large', { ...ROW, metadata: { a: 'x'.repeat(65_536) } }, 'metadata', /bytes as JSON; there is room for 65535/],
    ['JSON that is too deep', { ...ROW, metadata: nested(31) }, 'metadata', /nested more than 30 deep/],
    ['JSON that is deeper than a stack', { ...ROW, metadata: nested(100_000) }, 'metadata', /nested more than 30 deep/],
    ['a time without a zone', { ...ROW, created_at: '2025-11-07T02:00:00' }, 'created_at', /a time with its zone/],
    ['a date', { ...ROW, created_at: '2025-11-07' }, 'created_at', /a time with its zone/],
    ['an impossible time', { ...ROW, created_at: '2025-02-30T00:00:00Z' }, 'created_at', /a time with its zone/],
    ['a time below microseconds', { ...ROW, created_at: '2025-11-07T02:00:00.1234567Z' }, 'created_at', /digits below a microsecond/],
    ['a number with an exponent', { ...ROW, duration_seconds: 1e-7 }, 'duration_seconds', /write it as a text of plain digits/],
    ['a Unix time', { ...ROW, created_at: 1_762_480_800 }, 'created_at', /a time with its zone/],
    ['no time', { ...ROW, created_at: null }, 'created_at', /leave it out for now/],
    ['a time in the future', { ...ROW, created_at: formatTime(now() + 25 * 3_600_000_000) }, 'created_at', /more than a day in the future/],
    ['a time before 1970', { ...ROW, created_at: '1969-12-31T23:59:59Z' }, 'created_at', /before 1970/],
  ])('refuses %s, and the others with it', async (_what, body, field, reason) => {
    const results = await append([ROW, body]);
    expect(results).toEqual([{ status: 'skipped' }, { status: 'invalid', field, reason: expect.stringMatching(reason) }]);
    expect(await stage.rows()).toEqual([]);
  });

  it('takes what only just fits', async () => {
    const body = {
      ...ROW,
      cycle_id: '😀'.repeat(50),
      duration_seconds: '-99999999.99',
      metadata: nested(30),
      created_at: formatTime(now() + 23 * 3_600_000_000),
    };
    expect(statuses(await append([body, { ...body, cycle_id: '\'"`\\%;--' }]))).toEqual(['added', 'added']);
    expect(statuses(await append([body, { ...body, cycle_id: '\'"`\\%;--' }]))).toEqual(['present', 'present']);
    const [row] = await stage.rows();
    expect(row).toMatchObject({ duration_seconds: -99999999.99, metadata: nested(30) });
  });

  it('takes a zero with a sign for zero, and zeros below a microsecond for nothing', async () => {
    const body = { ...ROW, metadata: { n: -0, list: [-0] }, created_at: TIME.replace('Z', '000Z') };
    expect(statuses(await append([body]))).toEqual(['added']);
    expect(statuses(await append([body, { ...ROW, metadata: { n: 0, list: [0] } }]))).toEqual(['present', 'present']);
  });

  it('adds a row once, whoever sends it at the same time', async () => {
    const sent = Array.from({ length: 20 }, (_, index) =>
      (index % 2 === 0 ? stage.one : stage.other).append([ROW, { ...ROW, cycle_id: 'C-2' }], forever),
    );
    const results = (await Promise.all(sent)).map(statuses);
    expect(results.filter(([status]) => status === 'added')).toEqual([['added', 'added']]);
    expect(results.filter(([status]) => status === 'present')).toHaveLength(19);
    expect(await stage.rows()).toHaveLength(2);
  });

  it('adds a thousand rows at once', async () => {
    const bodies = Array.from({ length: 1000 }, (_, index) => ({ ...ROW, cycle_id: `C-${index}` }));
    const results = await append(bodies);
    expect(results.every(({ status }) => status === 'added')).toBe(true);
    expect(new Set(results.map((result) => ('entry' in result ? result.entry.id : ''))).size).toBe(1000);
  });
}

function nested(depth: number): JsonObject {
  return JSON.parse(`${'{"a":'.repeat(depth - 1)}{}${'}'.repeat(depth - 1)}`) as JsonObject;
}
