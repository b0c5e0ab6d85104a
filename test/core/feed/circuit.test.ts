import { describe, expect, it } from 'vitest';
import { now } from '../../../core/contract/index.ts';
import { createFeed } from '../../../core/feed/feed.ts';
import { createEvents } from '../../../core/telemetry/events.ts';
import { keepLog, member } from '../query/sources.ts';
import { DeliveryStage, ids, pass, passing, Sink } from './delivery-stage.ts';
import { reader } from './feed-stage.ts';
import { Instance, Store, until } from './memory.ts';

const stage = new DeliveryStage();
const stores = (lanes: string, count: number) =>
  [...lanes].map((lane) => {
    const store = new Store();
    store.append(lane, count);
    return store;
  });
const membersOf = (all: readonly Store[]) => all.map((store, index) => member(`s${index}`, new Instance(store, { batch: 500 })));

describe('a sink that is down', () => {
  it('gets one entry at a time whatever waits, every source in turn, and all of it within 30 s of its recovery', async () => {
    const all = stores('xyz', 200);
    const members = membersOf(all);
    const sink = new Sink();
    sink.down = true;
    const shipping = stage.deliver(sink, () => members);
    await passing(() => shipping.circuitOpen, 'it is taken for down');
    sink.calls.length = 0;
    await pass(600_000);
    expect(sink.calls.length).toBeGreaterThan(18);
    expect(sink.calls.length).toBeLessThan(46);
    expect(sink.calls.every((call) => call.length === 1)).toBe(true);
    expect(new Set(sink.calls.map(([id]) => id?.[0]))).toEqual(new Set('xyz'));
    const waiting = { state: 'waiting', error: 'connection refused', since: expect.any(Number), nextTry: expect.any(Number), pending: 200 };
    expect(shipping.status()).toMatchObject([waiting, waiting, waiting]);
    expect(stage.texts().filter((text) => /taken for down/.test(text))).toHaveLength(1);
    sink.down = false;
    await pass(31_000);
    expect(sink.kept.size).toBe(600);
    expect(shipping.circuitOpen).toBe(false);
    expect(shipping.status().map(({ pending, error }) => [pending, error])).toEqual(Array(3).fill([0, undefined]));
    expect(stage.texts().at(-1)).toBe('a sink takes batches again');
  });

  it('is entered by an entry that comes after a poisonous one of another source', async () => {
    const [one, two] = stores('xy', 1) as [Store, Store];
    const members = membersOf([one]);
    const sink = new Sink();
    sink.poison = new Set(['x.0']);
    const shipping = stage.deliver(sink, () => members);
    await passing(() => shipping.circuitOpen, 'the poison opened it');
    members.push(member('s1', new Instance(two)));
    shipping.changed();
    await pass(31_000);
    expect(stage.checkpoint('s1')).toEqual({ y: '1' });
    expect(shipping.status()).toMatchObject([
      { source: 's0', state: 'waiting', error: 'bad value' },
      { source: 's1', pending: 0 },
    ]);
  });

  it('costs other sinks and followers nothing', async () => {
    const [store] = stores('x', 300) as [Store];
    const members = membersOf([store]);
    const [down, up] = [new Sink(), new Sink()];
    down.down = true;
    const failing = stage.deliver(down, () => members);
    const working = stage.deliverToo(up, () => members);
    const feed = createFeed({ members: () => members, events: createEvents(), log: keepLog() });
    const client = reader(feed.follow);
    await until(() => client.of('caught-up').length === 1, 'the client follows');
    await passing(() => failing.circuitOpen, 'the one is taken for down');
    // No time passes from here on, so that nobody can be waiting for the one that is down.
    store.append('x', 9000);
    await until(() => up.kept.size === 9300, 'the other sink has all');
    await until(() => client.of('entry').length === 9000, 'the client has all');
    expect(down.kept.size).toBe(0);
    expect(failing.circuitOpen).toBe(true);
    await feed.close();
    await working.drain(0);
  });

  it('makes a source wait, not the memory: what is read ahead is bounded also when it is long', async () => {
    const store = new Store();
    store.append('x', 60, '.'.repeat(2 ** 20));
    const sink = new Sink();
    sink.down = true;
    const shipping = stage.deliver(sink, () => [member('one', new Instance(store, { batch: 1 }))]);
    await passing(() => shipping.circuitOpen, 'it is taken for down');
    await pass(600_000);
    expect(shipping.status()[0]?.pending).toBeLessThan(16);
    sink.down = false;
    await passing(() => stage.checkpoint('one')?.x === '60', 'all was written');
    expect([...sink.kept.keys()].sort()).toEqual(ids('x', 0, 59).sort());
  });
});

describe('the lag', () => {
  it('is how old the oldest entry is that is not durable', async () => {
    const store = new Store();
    store.append('x', 3);
    for (const [index, entry] of (store.lanes.get('x') ?? []).entries()) Object.assign(entry, { time: now() - (3 - index) * 3600e6 });
    const sink = new Sink();
    sink.down = true;
    const shipping = stage.deliver(sink, () => [member('one', new Instance(store))]);
    await until(() => sink.calls.length > 0, 'it failed');
    const [lag] = shipping.status();
    expect(lag?.lagSeconds).toBeGreaterThanOrEqual(3 * 3600);
    expect(lag?.lagSeconds).toBeLessThan(3.1 * 3600);
    sink.down = false;
    await passing(() => shipping.status()[0]?.lagSeconds === 0, 'nothing waits');
    expect(shipping.status()).toEqual([{ source: 'one', state: 'current', lagSeconds: 0, pending: 0 }]);
  });

  it('grows while a source cannot be read, and says why', async () => {
    const instance = new Instance(new Store());
    instance.broken = new Error('the disk is gone');
    const members = [member('one', instance), member('down', undefined, { error: 'refused' })];
    const shipping = stage.deliver(new Sink(), () => members, ['one', 'down']);
    await until(() => shipping.status()[0]?.error !== undefined, 'it failed');
    expect(shipping.status()).toMatchObject([
      { source: 'one', state: 'waiting', error: 'the source cannot be read: the disk is gone', since: expect.any(Number) },
      { source: 'down', state: 'waiting', error: 'refused' },
    ]);
    await until(() => shipping.status().every(({ lagSeconds }) => lagSeconds > 0), 'time passed');
    instance.broken = undefined;
    await passing(() => shipping.status()[0]?.state === 'current', 'it is read');
  });
});
