import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { StatementRefused } from '../../../plugins/cassandra/faults.ts';
import { Pace } from '../../../plugins/cassandra/pace.ts';

const { signal } = new AbortController();

/** Work that ends when it is told to. */
function gates() {
  const open: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  let running = 0;
  let most = 0;
  return {
    get running() {
      return running;
    },
    get most() {
      return most;
    },
    open,
    work: async () => {
      most = Math.max(most, ++running);
      try {
        await new Promise<void>((resolve, reject) => open.push({ resolve, reject }));
      } finally {
        running--;
      }
    },
  };
}

describe('how many writes are under way', () => {
  it('is no more than the limit, and everything gets its turn', async () => {
    const pace = new Pace(3);
    const gate = gates();
    const all = Array.from({ length: 50 }, () => pace.run('row', gate.work, signal));
    let ended = 0;
    for (const one of all) void one.then(() => ended++);
    while (ended < 50) {
      await sleep(0);
      gate.open.shift()?.resolve();
    }
    expect(gate.most).toBe(3);
    expect(gate.running).toBe(0);
  });

  it('grows with quick answers up to what is allowed', async () => {
    const pace = new Pace(20);
    const before = pace.limit('row');
    for (let n = 0; n < 40; n++) await Promise.all(Array.from({ length: 20 }, () => pace.run('row', async () => undefined, signal)));
    expect(before).toBeLessThan(20);
    expect(pace.limit('row')).toBe(20);
  });

  it('shrinks when answers are much later than the quickest ones', async () => {
    const pace = new Pace(64);
    for (let n = 0; n < 100; n++) await pace.run('row', async () => undefined, signal);
    const grown = pace.limit('row');
    for (let n = 0; n < 5; n++) await Promise.all(Array.from({ length: grown }, () => pace.run('row', () => sleep(250), signal)));
    expect(pace.limit('row')).toBeLessThan(grown);
    expect(pace.limit('row')).toBeGreaterThanOrEqual(1);
  });

  it('is cut by half once for what fails at the same time, and never to nothing', async () => {
    const pace = new Pace(64);
    const gate = gates();
    const failing = Array.from({ length: 8 }, () => pace.run('row', gate.work, signal).catch(String));
    await sleep(0);
    const before = pace.limit('row');
    for (const { reject } of gate.open.splice(0)) reject(new Error('overloaded'));
    expect(await Promise.all(failing)).toEqual(failing.map(() => 'Error: overloaded'));
    expect(pace.limit('row')).toBe(before / 2);
    for (let n = 0; n < 20; n++) await pace.run('row', () => Promise.reject(new Error('overloaded')), signal).catch(() => undefined);
    expect(pace.limit('row')).toBe(1);
    expect(await pace.run('row', async () => 'still', signal)).toBe('still');
  });

  it('is not cut for what a node refuses', async () => {
    const pace = new Pace(8);
    await pace.run('row', () => Promise.reject(new StatementRefused('no')), signal).catch(() => undefined);
    expect(pace.limit('row')).toBe(8);
  });

  it('is counted for each kind of write', async () => {
    const pace = new Pace(64);
    await pace.run('lines', () => Promise.reject(new Error('overloaded')), signal).catch(() => undefined);
    expect([pace.limit('lines'), pace.limit('row')]).toEqual([4, 8]);
  });

  it('what waits ends with its signal, and those behind it still get their turn', async () => {
    const pace = new Pace(1);
    const gate = gates();
    const controller = new AbortController();
    const running = pace.run('row', gate.work, signal);
    const leaving = Array.from({ length: 3 }, () => pace.run('row', gate.work, controller.signal));
    const behind = pace.run('row', async () => 'behind', signal);
    controller.abort(new Error('given up'));
    await sleep(0);
    gate.open.shift()?.resolve();
    await running;
    for (const one of leaving) await expect(one).rejects.toThrow('given up');
    expect(await behind).toBe('behind');
  });
});
