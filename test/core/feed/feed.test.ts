import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type FollowOptions, RequestError, type Source } from '../../../core/contract/index.ts';
import type { Member } from '../../../core/query/member.ts';
import { member, never } from '../query/sources.ts';
import { reader, running, Stage, source } from './feed-stage.ts';
import { Instance, Store, until } from './memory.ts';

const stage = new Stage();

describe('what a follower is handed', () => {
  it('is hello, what it missed, caught-up, and then what comes', async () => {
    const store = new Store();
    store.append('x', 5);
    const { follow } = stage.open([running('app', source(store))]);
    const client = reader(follow, { after: { app: { x: '2' } } });
    await until(() => client.of('caught-up').length === 1, 'it caught up');
    store.append('x', 2);
    store.append('y', 1);
    await until(() => client.of('entry').length === 6, 'the live entries came');
    expect(client.frames.map((frame) => frame.event)).toEqual(['hello', 'entry', 'entry', 'entry', 'caught-up', 'entry', 'entry', 'entry']);
    expect(client.frames[0]).toEqual({ event: 'hello', position: { app: { x: '2' } }, missing: [] });
    expect(client.frames[4]).toEqual({ event: 'caught-up', position: { app: { x: '5' } }, missing: [] });
    expect(client.frames[5]).toMatchObject({ source: 'app', lane: 'x', cursor: '6', entry: { type: 'logs', source: 'app', id: 'x.5' } });
  });

  it('begins at the end of what it names no position for', async () => {
    const store = new Store();
    store.append('x', 5);
    const { follow } = stage.open([running('app', source(store)), running('other', source(new Store()))]);
    const client = reader(follow, { after: { other: {} } });
    await until(() => client.of('caught-up').length === 1, 'it caught up');
    expect(client.frames).toEqual([
      { event: 'hello', position: { app: { x: '5' }, other: {} }, missing: [] },
      { event: 'caught-up', position: { app: { x: '5' }, other: {} }, missing: [] },
    ]);
  });

  it('tells what is missing, and why', async () => {
    const store = new Store();
    const unborn: Member = { name: 'unborn', label: 'unborn', mirror: false, error: 'no such package' };
    const { follow } = stage.open([
      running('app', source(store)),
      running('archive', source(store), { mirror: true }),
      running('table', { type: 'logs' }),
      member('down', undefined, { error: 'refused' }),
      unborn,
      running('health', new Instance(store, { type: 'health' }), { type: 'health' }),
    ]);
    const client = reader(follow, { after: { ghost: {}, health: { '': '1' } } });
    await until(() => client.frames.length === 2, 'it was greeted');
    expect(client.of('hello')[0]?.missing).toEqual([
      { source: 'archive', reason: 'it is a mirror, which is followed only when it is named' },
      { source: 'table', reason: 'no live feed' },
      { source: 'down', reason: 'refused' },
      { source: 'unborn', reason: 'no such package' },
      { source: 'ghost', reason: 'it is not among the followed sources of type logs' },
      { source: 'health', reason: 'it is not among the followed sources of type logs' },
    ]);
    const named = reader(follow, { sources: ['archive'] });
    await until(() => named.frames.length === 2, 'it was greeted');
    expect(named.of('hello')[0]).toMatchObject({ position: { archive: {} }, missing: [] });
    const none = reader(stage.open([running('app', source(store))]).follow, { type: 'metrics' });
    await until(() => none.frames.length === 2, 'it was greeted');
    expect(none.of('hello')[0]?.missing).toEqual([{ source: 'metrics', reason: expect.stringMatching(/no metrics source/) }]);
  });

  it('is of a mirror as well when that is named, from its first entry on if wanted', async () => {
    const [files, copies] = [new Store(), new Store()];
    copies.append('', 2);
    const { follow } = stage.open([running('app', source(files)), running('archive', source(copies), { mirror: true })]);
    const client = reader(follow, { sources: ['archive'], after: { archive: { '': '0' } } });
    await until(() => client.of('caught-up').length === 1, 'it caught up');
    copies.append('', 2);
    files.append('x', 1);
    await until(() => client.of('entry').length === 4, 'the entries came');
    expect(client.entries('archive', '').map((one) => one.id)).toEqual(['.0', '.1', '.2', '.3']);
    const both = reader(follow, { sources: ['app', 'archive'] });
    await until(() => both.of('caught-up').length === 1, 'it caught up');
    files.append('x', 1);
    copies.append('', 1);
    await until(() => both.of('entry').length === 2, 'both came');
    expect(
      both
        .of('entry')
        .map((frame) => frame.source)
        .sort(),
    ).toEqual(['app', 'archive']);
  });

  it('is filtered, and its position moves on nevertheless', async () => {
    const store = new Store();
    const { follow } = stage.open([running('app', source(store, 100))]);
    const client = reader(follow, { where: [{ field: 'text', op: '=', value: 'yes' }], after: { app: {} } });
    await until(() => client.of('caught-up').length === 1, 'it caught up');
    store.append('x', 3000, 'no');
    store.append('x', 2, 'yes');
    await until(() => client.of('entry').length === 2, 'the matching entries came');
    expect(client.of('entry').map((frame) => frame.cursor)).toEqual(['3001', '3002']);
  });

  it('is the same frame for every client', async () => {
    const store = new Store();
    const { follow } = stage.open([running('app', source(store))]);
    const clients = Array.from({ length: 20 }, () => reader(follow));
    await until(() => clients.every((client) => client.of('caught-up').length === 1), 'all caught up');
    store.append('x', 4);
    await until(() => clients.every((client) => client.of('entry').length === 4), 'all got the entries');
    const [first] = clients;
    for (const client of clients) for (const [index, frame] of client.of('entry').entries()) expect(frame).toBe(first?.of('entry')[index]);
    expect(store.open).toBe(1);
  });

  it('tells what was lost once', async () => {
    const store = new Store();
    store.append('x', 9);
    store.trim('x', 4);
    const instance = source(store);
    const { follow } = stage.open([running('app', instance)]);
    const client = reader(follow, { after: { app: { x: '1' } } });
    await until(() => client.of('caught-up').length === 1, 'it caught up');
    expect(client.of('lost')).toEqual([{ event: 'lost', source: 'app', lost: { lane: 'x', reason: 'it was trimmed', entries: 3 } }]);
    expect(client.entries('app', 'x').map((one) => one.id)).toEqual(['x.4', 'x.5', 'x.6', 'x.7', 'x.8']);
    store.append('x');
    await until(() => client.of('entry').length === 6, 'it goes on');
    expect(client.of('lost')).toHaveLength(1);
  });

  it('tells an entry that breaks a rule as lost, and hides no neighbour', async () => {
    const store = new Store();
    const { follow } = stage.open([running('app', source(store))]);
    const client = reader(follow);
    await until(() => client.of('caught-up').length === 1, 'it caught up');
    store.append('x', 1);
    store.lanes.get('x')?.push({ id: 'bad', time: 1, json: '{oops' });
    store.append('x', 1);
    await until(() => client.of('entry').length === 2, 'the neighbours came');
    expect(client.of('lost')).toMatchObject([{ lost: { lane: 'x', entries: 1, reason: expect.stringMatching(/breaks a rule/) } }]);
  });
});

describe('falling behind', () => {
  const small = { entries: 8, bytes: 1e9 };
  it('skips with a gap under latest, and reads on under complete', async () => {
    const store = new Store();
    const { follow } = stage.open([running('app', source(store))], small);
    const latest = reader(follow, { policy: 'latest' }, 2);
    const complete = reader(follow, { policy: 'complete' }, 2);
    const fast = reader(follow);
    await until(() => [latest, complete, fast].every((one) => one.of('caught-up').length === 1), 'all caught up');
    store.append('x', 30);
    await until(() => fast.of('entry').length + (fast.of('gap')[0]?.count ?? 0) === 30, 'the live feed is far ahead');
    for (const one of [latest, complete]) one.take(1e9);
    await until(() => complete.of('entry').length === 30 && latest.of('entry').length === 8, 'both got theirs');
    expect(latest.frames[2]).toEqual({ event: 'gap', source: 'app', count: 22, after: {}, until: { x: '22' } });
    expect(complete.entries('app', 'x').map((one) => one.id)).toEqual(store.lanes.get('x')?.map((one) => one.id));
  });

  it('keeps the ring within its bytes', async () => {
    const store = new Store();
    const { follow } = stage.open([running('app', source(store, 1))], { entries: 1000, bytes: 5000 });
    const client = reader(follow, {}, 2);
    const fast = reader(follow);
    await until(() => [client, fast].every((one) => one.of('caught-up').length === 1), 'both caught up');
    for (let n = 0; n < 10; n++) {
      store.append('x', 1, '.'.repeat(2000));
      await until(() => fast.of('entry').length === n + 1, 'it was read');
    }
    store.append('x', 1, '.'.repeat(20_000));
    await until(() => fast.of('entry').length === 11, 'it was read');
    client.take(1e9);
    await until(() => client.of('entry').length === 1, 'the long one came');
    expect(client.of('gap')).toMatchObject([{ count: 10 }]);
  });
});

describe('the end', () => {
  it('frees the source some time after the last client left', async () => {
    const store = new Store();
    const { follow } = stage.open([running('app', source(store))]);
    const clients = Array.from({ length: 5 }, () => reader(follow));
    await until(() => clients.every((client) => client.of('caught-up').length === 1), 'all caught up');
    for (const client of clients) await client.leave();
    expect(store.open).toBe(1);
    await until(() => store.open === 0, 'the source was freed');
  });

  it('comes by return, by abort and by close, while reading and while waiting', async () => {
    const store = new Store();
    store.append('x', 100);
    const { follow } = stage.open([running('app', source(store))]);
    const iterate = (signal: AbortSignal) => follow('logs', { policy: 'complete', after: { app: {} } }, signal)[Symbol.asyncIterator]();
    const byReturn = iterate(never);
    await byReturn.next();
    await byReturn.next();
    await byReturn.return?.();
    expect(await byReturn.next()).toEqual({ done: true, value: undefined });
    const controller = new AbortController();
    const byAbort = iterate(controller.signal);
    for (let n = 0; n < 102; n++) expect((await byAbort.next()).done).toBe(false);
    const waiting = byAbort.next();
    await turn();
    controller.abort();
    expect((await waiting).done).toBe(true);
    expect((await iterate(controller.signal).next()).done).toBe(true);
    const [byClose, late] = [iterate(never), iterate(never)];
    await byClose.next();
    await stage.feed.close();
    expect((await byClose.next()).done).toBe(true);
    expect((await late.next()).done).toBe(true);
    await until(() => store.open === 0, 'nothing is read any more');
    expect(() => iterate(never)).toThrow('closed');
  });

  it('does not depend on a source that ignores its signal', async () => {
    const deaf: Source = {
      type: 'logs',
      follow: {
        replay: 'exact',
        open: async () => ({
          start: {},
          lost: [],
          batches: { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }) },
        }),
      },
    };
    const { follow } = stage.open([running('deaf', deaf)]);
    const client = reader(follow);
    await until(() => client.of('caught-up').length === 1, 'it caught up');
    await client.leave();
    await stage.feed.close();
  });
});

describe('a wrong request', () => {
  it.each<[string, unknown]>([
    ['after', { policy: 'latest', after: [] }],
    ['after', { policy: 'latest', after: { app: 'x' } }],
    ['after', { policy: 'latest', after: { app: { x: 1 } } }],
    ['after', { policy: 'latest', after: { app: { x: 'y'.repeat(3000) } } }],
    ['policy', { policy: 'some' }],
    ['source', { policy: 'latest', sources: ['ghost'] }],
    ['where', { policy: 'latest', where: [{ field: 'a', op: '<' }] }],
  ])('is refused with the name of what is wrong: %s', (parameter, request) => {
    const { follow } = stage.open([running('app', source(new Store()))]);
    const call = () => follow('logs', request as FollowOptions, never);
    expect(call).toThrow(RequestError);
    expect(call).toThrow(expect.objectContaining({ parameter }));
  });
});
