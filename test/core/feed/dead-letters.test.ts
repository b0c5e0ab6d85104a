import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { PermanentError } from '../../../core/contract/index.ts';
import type { Delivery } from '../../../core/feed/delivery.ts';
import { member } from '../query/sources.ts';
import { DeliveryStage, ids, Memory, passing, Sink } from './delivery-stage.ts';
import { Instance, Store } from './memory.ts';

const stage = new DeliveryStage();

describe('what a sink does not take', () => {
  it('puts what the sink rejects into the dead-letter file', async () => {
    const store = new Store();
    store.append('x', 3);
    const sink = new Sink();
    sink.script = [
      async () => [
        { id: 'x.1', reason: 'too long' },
        { id: 'ghost', reason: 'who?' },
      ],
    ];
    stage.deliver(sink, () => [member('one', new Instance(store))]);
    await passing(() => stage.checkpoint('one')?.x === '3', 'it was written');
    expect(await stage.letters()).toEqual([
      {
        time: expect.stringMatching(/Z$/),
        sink: 'ship',
        source: 'one',
        id: 'x.1',
        reason: 'too long',
        entry: { lane: 'x', n: 1, text: '' },
      },
    ]);
    expect(stage.texts()).toContain('a sink rejected entries that it was not given');
  });

  it('takes poison out of a batch, and nothing else', async () => {
    const store = new Store();
    store.append('x', 200);
    const sink = new Sink();
    sink.poison = new Set(['x.0', 'x.77', 'x.78', 'x.199']);
    stage.deliver(sink, () => [member('one', new Instance(store, { batch: 500 }))]);
    await passing(() => stage.checkpoint('one')?.x === '200', 'all was dealt with');
    expect((await stage.letters()).map((letter) => [letter.id, letter.reason])).toEqual([...sink.poison].map((id) => [id, 'bad value']));
    expect(sink.kept.size).toBe(196);
  });

  it('waits for others to show that a lone entry is poison', async () => {
    const store = new Store();
    store.append('x', 1);
    const sink = new Sink();
    sink.poison = new Set(['x.0']);
    stage.deliver(sink, () => [member('one', new Instance(store))]);
    await passing(() => sink.calls.length > 6, 'it fails alone');
    expect(await stage.letters()).toEqual([]);
    store.append('x', 2);
    await passing(() => stage.checkpoint('one')?.x === '3', 'the others came');
    expect((await stage.letters()).map((letter) => letter.id)).toEqual(['x.0']);
  });

  it.each([8, 64])('never takes an outage for poison in a batch of %i', async (size) => {
    const store = new Store();
    store.append('x', size);
    const sink = new Sink();
    // The sink dies while the batch is taken apart, when some of it was written already, and stays down for long.
    const fail = () => Promise.reject(new Error('reset'));
    sink.script = [
      fail,
      fail,
      fail,
      () => undefined,
      () => {
        sink.down = true;
      },
    ];
    stage.deliver(sink, () => [member('one', new Instance(store, { batch: 500 }))]);
    await passing(() => sink.calls.length > 30, 'it was tried many times');
    expect(sink.calls.slice(-10).every((call) => call.length === 1)).toBe(true);
    expect(await stage.letters()).toEqual([]);
    sink.down = false;
    await passing(() => stage.checkpoint('one')?.x === String(size), 'all was written');
    expect(sink.kept.size).toBe(size);
    expect(await stage.letters()).toEqual([]);
  });

  it('takes a permanent error for the sink’s own, never for an entry’s', async () => {
    const store = new Store();
    store.append('x', 8);
    const sink = new Sink();
    sink.script = Array.from({ length: 12 }, () => () => Promise.reject(new PermanentError('no such keyspace')));
    stage.deliver(sink, () => [member('one', new Instance(store, { batch: 500 }))]);
    await passing(() => stage.checkpoint('one')?.x === '8', 'it was mended');
    expect(sink.calls.map((call) => call.length)).toEqual([8, 8, 8, ...Array(10).fill(1), 7]);
    expect(await stage.letters()).toEqual([]);
  });

  it('ends with exactly every entry in the sink or in the file, whatever fails and whenever it restarts', async () => {
    const step = fc.constantFrom('ok', 'ok', 'fail', 'fail', 'permanent', 'append', 'restart', 'kill');
    const poison = fc.uniqueArray(fc.nat({ max: 40 }), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), poison, async (steps, bad) => {
        const store = new Store();
        const sink = new Sink();
        stage.state = new Memory();
        sink.poison = new Set(bad.map((n) => `x.${n}`));
        await rm(join(stage.folder, 'dead'), { recursive: true, force: true });
        const members = [member('one', new Instance(store, { batch: 7 }))];
        let running: Delivery | undefined;
        const restart = async (deadline: number) => {
          await running?.drain(deadline);
          running = stage.deliver(sink, () => members);
        };
        await restart(0);
        for (const one of steps) {
          if (one === 'append') store.append('x', 6);
          if (one === 'fail') sink.script.push(() => Promise.reject(new Error('reset')));
          if (one === 'permanent') sink.script.push(() => Promise.reject(new PermanentError('no such table')));
          if (one === 'ok') sink.script.push(() => undefined);
          if (one === 'kill') stage.controller.abort();
          if (one === 'kill' || one === 'restart') await restart(1000);
          await vi.advanceTimersByTimeAsync(700);
        }
        store.append('x', 50);
        const total = String(store.lanes.get('x')?.length);
        await passing(() => stage.checkpoint('one')?.x === total, 'all was dealt with');
        const dead = new Set((await stage.letters()).map((letter) => letter.id));
        expect(dead).toEqual(sink.poison);
        expect([...sink.kept.keys(), ...dead].sort()).toEqual(ids('x', 0, Number(total) - 1).sort());
      }),
      { numRuns: 40 },
    );
  });
});
