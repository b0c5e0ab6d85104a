import { describe, expect, it } from 'vitest';
import type { Source } from '../../../core/contract/index.ts';
import type { Member } from '../../../core/query/member.ts';
import { member } from '../query/sources.ts';
import { reader, running, Stage, source } from './feed-stage.ts';
import { Store, until } from './memory.ts';

const stage = new Stage();

describe('sources that come and go', () => {
  it('are joined when they appear, and gone on with when they come back', async () => {
    const [one, two] = [new Store(), new Store()];
    two.append('y', 3);
    const { follow, changed } = stage.open([running('one', source(one))]);
    const client = reader(follow);
    await until(() => client.of('caught-up').length === 1, 'it caught up');
    stage.members = [...stage.members, running('two', source(two))];
    changed();
    await until(() => client.of('caught-up').length === 2, 'the new one was joined');
    expect(client.of('caught-up')[1]).toEqual({ event: 'caught-up', position: { one: {}, two: { y: '3' } }, missing: [] });
    two.append('y', 1);
    await until(() => client.of('entry').length === 1, 'it is live');
    stage.members = [stage.members[0] as Member, member('two', undefined, { error: 'crashed' })];
    changed();
    await until(() => client.of('caught-up').at(-1)?.missing[0]?.reason === 'crashed', 'it is told');
    two.append('y', 5);
    stage.members = [stage.members[0] as Member, running('two', source(two))];
    changed();
    await until(() => client.of('entry').length === 6, 'nothing is missed');
    expect(client.entries('two', 'y').map((each) => each.id)).toEqual(['y.3', 'y.4', 'y.5', 'y.6', 'y.7', 'y.8']);
    await until(() => client.of('caught-up').at(-1)?.missing.length === 0, 'it is told');
  });

  it('do not hold up the others when they cannot be opened', async () => {
    const [good, bad] = [new Store(), new Store()];
    const failing = source(bad);
    failing.broken = new Error('permission denied');
    const hung: Source = { type: 'logs', follow: { replay: 'exact', open: () => new Promise(() => undefined) } };
    const { follow } = stage.open([running('good', source(good)), running('bad', failing), running('hung', hung)]);
    const client = reader(follow);
    await until(() => client.of('hello').length === 1, 'it was greeted');
    expect(client.of('hello')[0]?.missing).toEqual([
      { source: 'bad', reason: 'permission denied' },
      { source: 'hung', reason: 'its live feed is still being opened' },
    ]);
    good.append('x', 2);
    await until(() => client.of('entry').length === 2, 'the good one is live');
    await until(() => client.of('caught-up').length === 1, 'it is caught up with those that can be had');
    failing.broken = undefined;
    bad.append('y', 1);
    await until(() => bad.open === 1, 'the bad one is open');
    bad.append('y', 1);
    await until(() => client.of('entry').length === 3, 'the bad one is live too');
  });

  it('go on after a failure where they stood', async () => {
    const store = new Store();
    const instance = source(store);
    const { follow } = stage.open([running('app', instance)]);
    const client = reader(follow);
    await until(() => client.of('caught-up').length === 1, 'it caught up');
    for (let n = 0; n < 3; n++) {
      store.append('x', 2);
      instance.broken = new Error('the disk is gone');
      store.poke();
      await until(() => store.open === 0, 'it failed');
      store.append('x', 2);
      instance.broken = undefined;
      await until(() => client.of('entry').length === (n + 1) * 4, 'all came');
    }
    expect(client.entries('app', 'x').map((one) => one.id)).toEqual(store.lanes.get('x')?.map((one) => one.id));
  });
});
