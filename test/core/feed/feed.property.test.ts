import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFeed } from '../../../core/feed/feed.ts';
import type { Member } from '../../../core/query/member.ts';
import { createEvents } from '../../../core/telemetry/events.ts';
import { keepLog, member } from '../query/sources.ts';
import { Instance, Store, until } from './memory.ts';
import { Reader } from './reader.ts';

const NAMES = ['one', 'two'];
const LANES = ['x', 'y', ''];
const name = fc.constantFrom(...NAMES);
const client = fc.nat({ max: 3 });
const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      name,
      lane: fc.constantFrom(...LANES),
      count: fc.integer({ min: 1, max: 9 }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('take' as const), client, count: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('drop' as const), client }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('resume' as const), client }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('break' as const), name }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('replace' as const), name, away: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('settle' as const), turns: fc.integer({ min: 1, max: 20 }) }) },
);

/** A world of two sources and four clients: 0 and 1 are complete, 2 and 3 take the latest. */
class World {
  readonly stores = new Map(NAMES.map((each) => [each, new Store()]));
  readonly instances = new Map<string, Instance | undefined>();
  readonly feed;
  readonly readers: Reader[];
  readonly away = new Set<number>();

  constructor(ring: number) {
    for (const each of NAMES) this.replace(each);
    const limits = { entries: ring, bytes: 1e9 };
    this.feed = createFeed({ members: () => this.members(), events: createEvents(), log: keepLog(), ring: limits });
    const after = Object.fromEntries(NAMES.map((each) => [each, {}]));
    this.readers = [0, 1, 2, 3].map((n) => new Reader(this.feed.follow, { policy: n < 2 ? 'complete' : 'latest', after }).start());
  }

  members(): Member[] {
    return NAMES.map((each) => member(each, this.instances.get(each), { error: 'away' }));
  }

  replace(each: string): void {
    this.instances.set(each, new Instance(this.stores.get(each) as Store));
  }

  async act(one: typeof action extends fc.Arbitrary<infer T> ? T : never): Promise<void> {
    if (one.do === 'append') this.stores.get(one.name)?.append(one.lane, one.count);
    if (one.do === 'take') this.readers[one.client]?.take(one.count);
    if (one.do === 'settle') for (let n = 0; n < one.turns; n++) await turn();
    if (one.do === 'drop' && !this.away.has(one.client)) {
      this.away.add(one.client);
      await this.readers[one.client]?.leave();
    }
    if (one.do === 'resume' && this.away.delete(one.client)) this.readers[one.client]?.start();
    if (one.do === 'replace') {
      if (one.away) this.instances.set(one.name, undefined);
      else this.replace(one.name);
      this.feed.changed();
    }
    if (one.do === 'break') {
      const instance = this.instances.get(one.name);
      if (instance) instance.broken = new Error('broken');
      this.stores.get(one.name)?.poke();
      for (let n = 0; n < 5; n++) await turn();
      if (instance) instance.broken = undefined;
    }
  }

  /** Everybody and everything is there again, and nothing is held back. */
  async finish(): Promise<void> {
    for (const each of NAMES) if (!this.instances.get(each)) this.replace(each);
    this.feed.changed();
    for (const [n, one] of this.readers.entries()) {
      if (this.away.delete(n)) one.start();
      one.take(1e9);
    }
    await until(() => this.readers.every((_, n) => this.owed(n) <= 0), 'every client has what it is owed');
  }

  owed(n: number): number {
    const one = this.readers[n] as Reader;
    const all = NAMES.flatMap((each) => [...(this.stores.get(each)?.lanes.values() ?? [])]).reduce((sum, lane) => sum + lane.length, 0);
    return all - one.of('entry').length - one.of('gap').reduce((sum, gap) => sum + gap.count, 0);
  }

  check(): void {
    for (const [n, one] of this.readers.entries()) {
      expect(this.owed(n)).toBe(0);
      for (const each of NAMES) {
        const store = this.stores.get(each) as Store;
        expect(one.position[each] ?? {}).toEqual(
          Object.fromEntries([...store.lanes].map(([lane, entries]) => [lane, String(entries.length)])),
        );
        for (const [lane, entries] of store.lanes) {
          const ids = one.entries(each, lane).map((entry) => entry.id);
          const expected = entries.map((entry) => entry.id);
          if (n < 2) expect(ids).toEqual(expected);
          else expect(ids).toEqual(expected.filter((id) => ids.includes(id)));
          expect(new Set(ids).size).toBe(ids.length);
        }
      }
    }
  }
}

describe('the feed', () => {
  it('gives complete clients every entry once and in order, and tells the others exactly how many they skipped', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 12 }), fc.array(action, { minLength: 5, maxLength: 60 }), async (ring, actions) => {
        const world = new World(ring);
        try {
          for (const one of actions) await world.act(one);
          await world.finish();
          world.check();
        } finally {
          await world.feed.close();
        }
        await until(() => [...world.stores.values()].every((store) => store.open === 0), 'nothing is read any more');
      }),
      { numRuns: 300 },
    );
  });
});
