import { type FollowOptions, type Log, type Positions, RequestError, type Services } from '../contract/index.ts';
import { compile } from '../query/conditions.ts';
import type { Member } from '../query/member.ts';
import { select } from '../query/select.ts';
import type { AgentEmitter } from '../telemetry/events.ts';
import { Client } from './client.ts';
import { Follower } from './follower.ts';
import type { RingLimits } from './ring.ts';
import { isPosition } from './step.ts';

const RING: RingLimits = { entries: 16_384, bytes: 16 * 2 ** 20 };
/** Milliseconds that a shared follower goes on after its last client left, so that a reconnect finds its ring. */
const LINGER = 5000;

export interface FeedOptions {
  /** The configured sources as they are now, in the order of the configuration. */
  members(): readonly Member[];
  readonly events: AgentEmitter;
  readonly log: Log;
  /** Of each source: how many entries, and bytes of JSON, are kept for clients that fall behind. */
  readonly ring?: RingLimits;
}

export interface Feed {
  /**
   * Frames of the sources of a type, from the first `next` on. Throws a {@link RequestError} at once when the request is
   * wrong. Ends, without an error, when the signal aborts or the feed closes.
   */
  readonly follow: Services['follow'];
  /** To be called after members started, stopped or were replaced. */
  changed(): void;
  /** Ends all clients and all reading. */
  close(): Promise<void>;
}

/** Live feeds: one shared follower a source, whatever the number of clients; each client pays for its position only. */
export function createFeed(options: FeedOptions): Feed {
  const followers = new Map<string, { readonly follower: Follower; users: number; leaving?: NodeJS.Timeout }>();
  const clients = new Set<Client>();
  let closed = false;

  function attach(follower: Follower): void {
    const member = options.members().find((one) => one.name === follower.name);
    const reason = member ? (member.error ?? 'it is not running') : 'it is not configured any more';
    const source = member?.source;
    follower.attach(source?.follow ? source : undefined, source ? 'no live feed' : reason);
  }

  function acquire(name: string): Follower {
    const known = followers.get(name);
    if (known) {
      clearTimeout(known.leaving);
      known.users++;
      return known.follower;
    }
    const follower = new Follower(name, options.ring ?? RING, options.events, options.log);
    followers.set(name, { follower, users: 1 });
    attach(follower);
    return follower;
  }

  function release(follower: Follower): void {
    const held = followers.get(follower.name);
    if (!held || --held.users > 0) return;
    held.leaving = setTimeout(() => {
      followers.delete(follower.name);
      void follower.stop();
    }, LINGER);
    held.leaving.unref();
  }

  const shared = {
    members: options.members,
    events: options.events,
    acquire,
    release,
    started: (client: Client) => !closed && clients.add(client).has(client),
    ended: (client: Client) => void clients.delete(client),
  };

  return {
    follow(type, request, signal) {
      if (closed) throw new Error('the feed is closed');
      const members = options.members();
      select(members, type, request.sources);
      const follow = checked(request);
      const filter = compile(follow.where ?? []);
      return new Client({ ...shared, type, follow, filter }, signal);
    },

    changed() {
      for (const { follower } of followers.values()) attach(follower);
      for (const client of clients) client.reconcile();
    },

    async close() {
      closed = true;
      for (const client of [...clients]) client.end();
      const held = [...followers.values()];
      followers.clear();
      for (const { leaving } of held) clearTimeout(leaving);
      await Promise.all(held.map(({ follower }) => follower.stop()));
    },
  };
}

function checked(request: FollowOptions): FollowOptions {
  const { after, policy, sources, ...rest } = request;
  if (policy !== 'latest' && policy !== 'complete')
    throw new RequestError('policy', `policy is latest or complete, not ${JSON.stringify(policy)}`);
  if (after !== undefined && !isPositions(after)) {
    throw new RequestError(
      'after',
      'after is an object {source: {lane: cursor}} of cursors that frames carried, each a text of at most 2048 bytes',
    );
  }
  return { ...rest, policy, ...(after && { after }), ...(sources && sources.length > 0 && { sources }) };
}

function isPositions(value: unknown): value is Positions {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isPosition);
}
