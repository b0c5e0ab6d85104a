import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { memoryState, silent } from '../../../core/conformance/stand.ts';
import type { KeyValue } from '../../../core/contract/index.ts';
import { createCourse, type Standing } from '../../../plugins/health-script/course.ts';
import { changePercent } from '../../../plugins/health-script/flapping.ts';
import { options } from '../../../plugins/health-script/options.ts';
import { STATUSES, type Status } from '../../../plugins/health-script/status.ts';

const defaults = options.parse({ command: 'x' });
const statuses = fc.array(fc.constantFrom(...STATUSES), { maxLength: 60 });

async function follow(all: readonly Status[], given: object = {}, state: KeyValue = memoryState()): Promise<Standing[]> {
  const course = createCourse(options.parse({ command: 'x', ...given }), state, silent);
  const standings: Standing[] = [];
  for (const status of all) standings.push(await course.record(status));
  return standings;
}

describe('the rate of change', () => {
  /** Results of which the one at each of these places, from 0, the oldest, differs from the one before. */
  function changingAt(places: readonly number[], length = 21): Status[] {
    let status: Status = 'ok';
    return Array.from({ length }, (_, at) => {
      if (places.includes(at)) status = status === 'ok' ? 'critical' : 'ok';
      return status;
    });
  }

  test("the example of Nagios' documentation: changes at t3, t4, t5, t9, t12, t16 and t19, slightly less than 35 %", () => {
    const percent = changePercent(changingAt([3, 4, 5, 9, 12, 16, 19]), 21);
    expect(percent).toBeLessThan(35);
    expect(percent).toBeCloseTo(34.42, 2);
  });

  test('the newest change carries half as much weight again as the oldest', () => {
    expect(changePercent(changingAt([1]), 21)).toBeCloseTo(4, 10);
    expect(changePercent(changingAt([20]), 21)).toBeCloseTo(6, 10);
  });

  test('0 without any change, 100 with every one', () => {
    expect(changePercent(changingAt([]), 21)).toBe(0);
    expect(changePercent(changingAt(Array.from({ length: 21 }, (_, i) => i)), 21)).toBeCloseTo(100, 10);
    expect(changePercent([], 21)).toBe(0);
  });

  test('equals the formula written out, also with fewer results than the window holds', () => {
    fc.assert(
      fc.property(statuses, fc.integer({ min: 3, max: 30 }), (all, window) => {
        const first = all[0] ?? 'ok';
        const padded = [...Array.from({ length: window }, () => first), ...all].slice(-window);
        // Before the first result there was none, so nothing changed.
        let sum = 0;
        for (let x = 1; x < window; x++) {
          const weight = 0.8 + ((1.2 - 0.8) / (window - 2)) * (x - 1);
          sum += padded[x] !== padded[x - 1] ? weight : 0;
        }
        expect(changePercent(all, window)).toBeCloseTo((sum / (window - 1)) * 100, 9);
      }),
    );
  });
});

describe('soft and hard', () => {
  test('not ok is hard after three equal results; ok is hard at once', async () => {
    const standings = await follow(['ok', 'critical', 'critical', 'critical', 'critical', 'ok', 'warning', 'warning', 'critical']);
    expect(standings.map(({ state, attempt }) => `${state} ${attempt}`)).toEqual([
      'hard 1',
      'soft 1',
      'soft 2',
      'hard 3',
      'hard 3',
      'hard 1',
      'soft 1',
      'soft 2',
      'soft 1',
    ]);
    expect(standings.map(({ before }) => before).slice(0, 3)).toEqual([undefined, 'ok', 'critical']);
  });

  test('with one attempt everything is hard at once', async () => {
    expect((await follow(['critical', 'warning', 'ok'], { attempts: 1 })).map(({ state }) => state)).toEqual(['hard', 'hard', 'hard']);
  });
});

describe('flapping', () => {
  const stormy: Status[] = Array.from({ length: 8 }, (_, i) => (i % 2 ? 'critical' : 'ok'));
  const calm: Status[] = Array.from({ length: 21 }, () => 'ok');

  test('starts at 20 %, ends below 15 %', async () => {
    const standings = await follow([...stormy, ...calm]);
    const started = standings.findIndex(({ flapping }) => flapping);
    const ended = standings.findIndex(({ flapping }, at) => at > started && !flapping);
    expect(standings[started]?.changePercent).toBeGreaterThanOrEqual(20);
    expect(standings[started - 1]?.changePercent).toBeLessThan(20);
    expect(standings[ended]?.changePercent).toBeLessThan(15);
    expect(standings[ended - 1]?.changePercent).toBeGreaterThanOrEqual(15);
    expect(standings.filter(({ turned }) => turned)).toHaveLength(2);
  });

  test('may be switched off', async () => {
    const standings = await follow(stormy, { flapping: { enabled: false } });
    expect(standings.some(({ flapping }) => flapping)).toBe(false);
    expect(standings.at(-1)?.changePercent).toBeGreaterThan(20);
  });

  test('low above high is refused', () => {
    expect(options.safeParse({ command: 'x', flapping: { low: 30 } }).success).toBe(false);
    expect(defaults.flapping).toEqual({ enabled: true, window: 21, high: 20, low: 15 });
  });
});

describe('what is remembered', () => {
  test('makes a restart at any point invisible', async () => {
    await fc.assert(
      fc.asyncProperty(statuses, fc.nat(60), async (all, at) => {
        const state = memoryState();
        const before = await follow(all.slice(0, at), {}, state);
        const after = await follow(all.slice(at), {}, state);
        expect([...before, ...after]).toEqual(await follow(all));
      }),
      { numRuns: 50 },
    );
  });

  test('may be garbage', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (garbage) => {
        const state = memoryState();
        await state.set('course', garbage as never);
        expect(await follow(['critical'], {}, state)).toMatchObject([{ state: 'soft', attempt: 1, flapping: false }]);
      }),
      { numRuns: 50 },
    );
  });

  test('may be out of reach', async () => {
    const broken = async () => {
      throw new Error('the disk is gone');
    };
    const standings = await follow(['critical', 'critical', 'critical'], {}, { get: broken, set: broken, delete: broken });
    expect(standings.map(({ state }) => state)).toEqual(['soft', 'soft', 'hard']);
  });
});
