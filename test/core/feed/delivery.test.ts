import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { RetryableError } from '../../../core/contract/index.ts';
import type { Member } from '../../../core/query/member.ts';
import { member } from '../query/sources.ts';
import { DeliveryStage, ids, passing, Sink } from './delivery-stage.ts';
import { Instance, Store, until } from './memory.ts';

const stage = new DeliveryStage();

describe('delivery', () => {
  it('writes every followed source from its beginning, and stores how far it came', async () => {
    const [one, two] = [new Store(), new Store()];
    one.append('x', 5);
    two.append('y', 4);
    const members = [
      member('one', new Instance(one)),
      member('two', new Instance(two)),
      member('mirror', new Instance(one), { mirror: true }),
      member('table', {}),
    ];
    const sink = new Sink();
    const shipping = stage.deliver(sink, () => members);
    await passing(() => stage.checkpoint('one')?.x === '5' && stage.checkpoint('two')?.y === '4', 'all was written');
    one.append('x', 1);
    await passing(() => stage.checkpoint('one')?.x === '6', 'what came later was written');
    expect([...sink.kept.keys()].sort()).toEqual([...ids('x', 0, 5), ...ids('y', 0, 3)]);
    await passing(() => shipping.status().every((each) => each.state === 'current'), 'it is not behind');
    expect(shipping.status().map((each) => each.source)).toEqual(['one', 'two']);
  });

  it('writes only the named sources, mirrors too, and warns of one that does not exist', async () => {
    const store = new Store();
    store.append('x', 2);
    const members = [member('one', new Instance(new Store())), member('mirror', new Instance(store), { mirror: true })];
    const sink = new Sink();
    const shipping = stage.deliver(sink, () => members, ['mirror', 'ghost']);
    shipping.changed();
    await passing(() => sink.kept.size === 2, 'the mirror was written');
    expect(stage.texts().filter((text) => /not configured/.test(text))).toHaveLength(1);
  });

  it('repeats the same entries after an error, as late as the error says', async () => {
    const store = new Store();
    store.append('x', 3);
    const sink = new Sink();
    let retried = false;
    sink.script = [
      () => Promise.reject(new RetryableError('busy', { afterMs: 3_600_000 })),
      () => {
        retried = true;
      },
    ];
    stage.deliver(sink, () => [member('one', new Instance(store))]);
    await until(() => stage.texts().length > 0, 'it failed');
    await vi.advanceTimersByTimeAsync(3_599_000);
    for (let n = 0; n < 20; n++) await turn();
    expect(retried).toBe(false);
    await vi.advanceTimersByTimeAsync(2000);
    await until(() => stage.checkpoint('one')?.x === '3', 'it was written');
    expect(sink.calls[1]).toEqual(sink.calls[0]);
    expect(stage.texts()).toEqual(['a sink did not take a batch; it is tried again', 'a sink takes batches again']);
  });

  it('goes on at the checkpoint after a restart in the middle of an outage', async () => {
    const store = new Store();
    store.append('x', 4);
    const members = [member('one', new Instance(store))];
    const sink = new Sink();
    const first = stage.deliver(sink, () => members);
    await passing(() => stage.checkpoint('one')?.x === '4', 'the first were written');
    sink.down = true;
    store.append('x', 4);
    await passing(() => sink.calls.length > 8, 'it fails');
    await first.drain(1000);
    const calls = sink.calls.length;
    await turn();
    expect(sink.calls.length).toBe(calls);
    expect(store.open).toBe(0);
    expect(stage.checkpoint('one')).toEqual({ x: '4' });
    sink.down = false;
    stage.deliver(sink, () => members);
    await passing(() => stage.checkpoint('one')?.x === '8', 'the rest was written');
    expect([...sink.kept.keys()]).toEqual(ids('x', 0, 7));
    expect(await stage.letters()).toEqual([]);
  });

  it('bounds its batches by entries and by bytes, and reads no further ahead', async () => {
    const store = new Store();
    store.append('x', 12_500);
    store.append('x', 3, '.'.repeat(4 * 2 ** 20));
    const sink = new Sink();
    sink.down = true;
    stage.deliver(sink, () => [member('one', new Instance(store, { batch: 20_000 }))]);
    await passing(() => sink.calls.length > 0, 'it began');
    expect(sink.calls[0]).toHaveLength(5000);
    sink.down = false;
    await passing(() => stage.checkpoint('one')?.x === '12503', 'all was written');
    expect(sink.calls.slice(-3)).toEqual([['x.12500'], ['x.12501'], ['x.12502']]);
    expect([...sink.kept.keys()]).toEqual(ids('x', 0, 12_502));
  });

  it('writes a lone entry at once, and what comes during a write together after it, read ahead up to one batch', async () => {
    const store = new Store();
    const sink = new Sink();
    const one = stage.deliver(sink, () => [member('one', new Instance(store, { batch: 100 }))]);
    // No time passes in this test, so that nothing here waits for any.
    for (let n = 0; n < 3; n++) {
      store.append('x');
      await until(() => stage.checkpoint('one')?.x === String(n + 1), 'it was written');
    }
    let release: () => void = () => undefined;
    sink.script = [
      () =>
        new Promise<void>((resolve) => {
          release = resolve;
        }),
    ];
    store.append('x');
    await until(() => sink.calls.length === 4, 'a write is in flight');
    store.append('x', 12_000);
    await until(() => one.status()[0]?.pending === 5001, 'it reads ahead');
    for (let n = 0; n < 50; n++) await turn();
    expect(one.status()[0]?.pending).toBe(5001);
    release();
    await until(() => stage.checkpoint('one')?.x === '12004', 'all was written');
    expect(sink.calls.map((call) => call.length).slice(0, 5)).toEqual([1, 1, 1, 1, 5000]);
  });

  it('lets the write in flight end, and stores its checkpoint, before it drains', async () => {
    const store = new Store();
    store.append('x', 2);
    const sink = new Sink();
    let release: () => void = () => undefined;
    sink.script = [
      () =>
        new Promise<void>((resolve) => {
          release = resolve;
        }),
    ];
    const one = stage.deliver(sink, () => [member('one', new Instance(store))]);
    await until(() => sink.calls.length === 1, 'the write is in flight');
    store.append('x', 2);
    let drained = false;
    const draining = one.drain(60_000).then(() => {
      drained = true;
    });
    for (let n = 0; n < 20; n++) await turn();
    expect(drained).toBe(false);
    release();
    await draining;
    expect(stage.checkpoint('one')).toEqual({ x: '2' });
    expect(sink.calls).toHaveLength(1);
  });

  it('gives up a write that hangs when its time to drain is over', async () => {
    const store = new Store();
    store.append('x', 2);
    const sink = new Sink();
    sink.script = [() => new Promise<void>(() => undefined)];
    const one = stage.deliver(sink, () => [member('one', new Instance(store))]);
    await until(() => sink.calls.length === 1, 'the write is in flight');
    const draining = one.drain(5000);
    await vi.advanceTimersByTimeAsync(5000);
    await draining;
    expect(stage.checkpoint('one')).toBeNull();
    expect(stage.texts()).toContain('a write did not end in time; its entries will come again');
  });

  it('survives a state that fails, and tells of a damaged checkpoint', async () => {
    const store = new Store();
    store.append('x', 3);
    stage.state.values.set('checkpoint:one', '[1,2]');
    stage.state.fails = 2;
    const sink = new Sink();
    stage.deliver(sink, () => [member('one', new Instance(store))]);
    await passing(() => sink.kept.size === 3, 'it was written');
    expect(stage.texts().filter((text) => /could not be read/.test(text))).toHaveLength(2);
    expect(stage.texts()).toContain('the checkpoint of a sink is damaged; the source is written from its beginning');
    await passing(() => stage.checkpoint('one')?.x === '3', 'it is stored');
    stage.state.fails = 1;
    store.append('x', 1);
    await passing(() => stage.texts().some((text) => /could not be stored/.test(text)), 'the checkpoint failed');
    store.append('x', 1);
    await passing(() => stage.checkpoint('one')?.x === '5', 'the next one covers it');
  });

  it('tells what was lost, and goes on', async () => {
    const store = new Store();
    store.append('x', 9);
    store.trim('x', 4);
    stage.state.values.set('checkpoint:one', '{"x":"2"}');
    const sink = new Sink();
    stage.deliver(sink, () => [member('one', new Instance(store))]);
    await passing(() => stage.checkpoint('one')?.x === '9', 'it was written');
    expect([...sink.kept.keys()]).toEqual(ids('x', 4, 8));
    expect(stage.log.lines.filter((line) => /were lost/.test(line.text))).toMatchObject([{ fields: { source: 'one', entries: 2 } }]);
  });

  it('goes on when a source fails, goes away, or is replaced', async () => {
    const store = new Store();
    let members: Member[] = [];
    const sink = new Sink();
    const one = stage.deliver(sink, () => members);
    for (let round = 1; round <= 6; round++) {
      const instance = new Instance(store);
      members = [member('one', instance)];
      one.changed();
      store.append('x', 5);
      await passing(() => stage.checkpoint('one')?.x === String(round * 15 - 10), 'it was written');
      instance.broken = new Error('the disk is gone');
      store.poke();
      store.append('x', 5);
      await passing(() => one.status()[0]?.state === 'waiting', 'it waits');
      if (round % 2 === 0) instance.broken = undefined;
      members = round % 3 === 0 ? [] : members;
      one.changed();
      store.append('x', 5);
    }
    members = [member('one', new Instance(store))];
    one.changed();
    await passing(() => stage.checkpoint('one')?.x === '90', 'all was written');
    expect(sink.calls.flat()).toEqual(ids('x', 0, 89));
  });
});
