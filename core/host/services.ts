import type { Log, Services, SourceInfo } from '../contract/index.ts';
import { createFeed } from '../feed/feed.ts';
import type { Listeners } from '../http/listeners.ts';
import { createQueryEngine } from '../query/engine.ts';
import type { Member } from '../query/member.ts';
import type { AgentEmitter, AgentEvents } from '../telemetry/events.ts';

export interface ServiceParts {
  readonly members: () => readonly Member[];
  readonly status: Services['status'];
  readonly metrics: Services['metrics'];
  readonly listeners: Listeners;
  readonly events: AgentEmitter;
  readonly deadline: number;
  log(name: string): Log;
}

/** What a member can do; a facet that is not named here is not there. */
const FACETS = ['query', 'follow', 'latest', 'receive', 'append', 'stats', 'fields', 'probe', 'schema', 'archive', 'retention'] as const;

/** Every service but the state, which each sink has of its own. */
export type SharedServices = Omit<Services, 'state'>;

export interface BuiltServices {
  readonly services: SharedServices;
  readonly feed: ReturnType<typeof createFeed>;
}

export function buildServices(parts: ServiceParts): BuiltServices {
  const { members, events, deadline } = parts;
  const engine = createQueryEngine({ members, deadline, events, log: parts.log('query') });
  const feed = createFeed({ members, events, log: parts.log('feed') });
  const services: SharedServices = {
    query: engine.query,
    latest: engine.latest,
    follow: feed.follow,
    sources: () => members().flatMap(sourceInfo),
    status: parts.status,
    metrics: parts.metrics,
    http: { mount: parts.listeners.mount },
    events: {
      on(event, listener) {
        const name = event as keyof AgentEvents;
        events.on(name, listener as never);
        return () => events.off(name, listener as never);
      },
    },
  };
  return { services, feed };
}

function sourceInfo(member: Member): SourceInfo[] {
  const { name, type, label, mirror, source } = member;
  if (type === undefined) return [];
  return [{ name, type, label, mirror, facets: FACETS.filter((facet) => source?.[facet] !== undefined) }];
}
