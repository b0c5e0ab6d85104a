import { type CatalogOptions, createCatalog } from '../catalog/catalog.ts';
import type { Log, Services, SourceInfo } from '../contract/index.ts';
import { createDora } from '../dora/dora.ts';
import type { Vocabulary } from '../dora/vocabulary.ts';
import { createFeed } from '../feed/feed.ts';
import type { Listeners } from '../http/listeners.ts';
import { createAppend } from '../query/append.ts';
import { Circuits } from '../query/circuit.ts';
import { createQueryEngine } from '../query/engine.ts';
import { facetsOf, type Member } from '../query/member.ts';
import { createStats } from '../query/stats.ts';
import type { AgentEmitter, AgentEvents } from '../telemetry/events.ts';

export interface ServiceParts {
  readonly members: () => readonly Member[];
  readonly status: Services['status'];
  readonly metrics: Services['metrics'];
  readonly listeners: Listeners;
  readonly events: AgentEmitter;
  readonly deadline: number;
  readonly vocabulary: Vocabulary;
  readonly retention: Services['retention'];
  readonly catalog: Pick<CatalogOptions, 'expects' | 'owner' | 'flows'>;
  log(name: string): Log;
}

/** Every service but the state, which each sink has of its own. */
export type SharedServices = Omit<Services, 'state'>;

export interface BuiltServices {
  readonly services: SharedServices;
  readonly feed: ReturnType<typeof createFeed>;
  /** Of every running source, whether queries are answered without it for a while. */
  sourceCircuits(): readonly { source: string; open: boolean }[];
}

export function buildServices(parts: ServiceParts): BuiltServices {
  const { members, events, deadline } = parts;
  const circuits = new Circuits();
  const engine = createQueryEngine({ members, deadline, circuits, events, log: parts.log('query') });
  const feed = createFeed({ members, events, log: parts.log('feed') });
  const services: SharedServices = {
    query: engine.query,
    latest: engine.latest,
    follow: feed.follow,
    stats: createStats({ members, deadline, circuits, query: engine.query, log: parts.log('query') }),
    append: createAppend({ members, deadline }),
    dora: createDora({ query: engine.query, vocabulary: parts.vocabulary }),
    catalog: createCatalog({
      members,
      deadline,
      query: engine.query,
      status: parts.status,
      vocabulary: parts.vocabulary,
      ...parts.catalog,
    }),
    retention: parts.retention,
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
  const sourceCircuits = () => members().flatMap(({ name, source }) => (source ? [{ source: name, open: circuits.isOpen(source) }] : []));
  return { services, feed, sourceCircuits };
}

function sourceInfo(member: Member): SourceInfo[] {
  const { name, type, label, mirror, source } = member;
  if (type === undefined) return [];
  return [{ name, type, label, mirror, facets: facetsOf(source) }];
}
