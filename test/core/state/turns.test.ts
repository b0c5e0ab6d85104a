import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { inTurn } from '../../../core/state/lock.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cauce-turns-'));
});
afterEach(() => rm(folder, { recursive: true }));

const lock = () => join(folder, 'some.lock');
const journal = () => join(folder, 'journal');
const taker = (times: number, hold: number) =>
  spawn(process.execPath, [
    '--import',
    'jiti/register',
    resolve('test/core/state/turn-taker.ts'),
    lock(),
    journal(),
    `${times}`,
    `${hold}`,
  ]);
const lines = async () => (await readFile(journal(), 'utf8').catch(() => '')).trim().split('\n');

describe('work that only one process at a time may do', () => {
  it('never overlaps, between processes and within one', async () => {
    const children = [taker(5, 20), taker(5, 20), taker(5, 20)];
    const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0]));
    expect(codes).toEqual([0, 0, 0]);
    const told = await lines();
    expect(told).toHaveLength(30);
    for (let at = 0; at < told.length; at += 2) expect(told[at + 1]).toBe(told[at]?.replace('begin', 'end'));
    const order: string[] = [];
    const turn = (name: string) =>
      inTurn(
        lock(),
        async () => {
          order.push(name);
          await new Promise((done) => setTimeout(done, 30));
          order.push(name);
        },
        new AbortController().signal,
      );
    await Promise.all([turn('a'), turn('b')]);
    expect(order[0]).toBe(order[1]);
    expect(order).toHaveLength(4);
  });

  it('goes on after one that was killed in its midst', async () => {
    const child = taker(1, 600_000);
    await vi.waitFor(async () => expect(await lines()).toEqual([`begin ${child.pid}`]), { timeout: 20_000 });
    const waiting = new AbortController();
    const patient = inTurn(lock(), async () => 'mine', waiting.signal);
    const impatient = inTurn(lock(), async () => 'never', AbortSignal.abort(new Error('no time')));
    await expect(impatient).rejects.toThrow();
    child.kill('SIGKILL');
    expect(await patient).toBe('mine');
  });
});
