import { afterEach } from 'vitest';
import type { FollowOptions, Source } from '../../../core/contract/index.ts';
import { createFeed, type Feed } from '../../../core/feed/feed.ts';
import type { Member } from '../../../core/query/member.ts';
import { createEvents } from '../../../core/telemetry/events.ts';
import { keepLog, member } from '../query/sources.ts';
import { Instance, type Store } from './memory.ts';
import { Reader } from './reader.ts';

/** The feed of a test, which ends with it, and the sources that are configured at present. */
export class Stage {
  members: Member[] = [];
  #feed: Feed | undefined;

  constructor() {
    afterEach(() => this.feed.close());
  }

  get feed(): Feed {
    if (!this.#feed) throw new Error('open comes first');
    return this.#feed;
  }

  open(given: Member[], ring?: { entries: number; bytes: number }): Feed {
    this.members = given;
    this.#feed = createFeed({ members: () => this.members, events: createEvents(), log: keepLog(), ...(ring && { ring }) });
    return this.#feed;
  }
}

export function reader(follow: Feed['follow'], options: Partial<FollowOptions> & { type?: string } = {}, credit = 1e9): Reader {
  const { type = 'logs', ...rest } = options;
  const client = new Reader((_, ...given) => follow(type, ...given), { policy: 'latest', ...rest }).start();
  client.take(credit);
  return client;
}

export const source = (store: Store, batch = 3) => new Instance(store, { batch });
export const running = (name: string, instance: Source, rest: Partial<Member> = {}) => member(name, instance, rest);
