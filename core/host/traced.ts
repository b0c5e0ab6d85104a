import type { Batch, FollowFacet, Following, Handler, QueryFacet, Sink, Source } from '../contract/index.ts';
import { problem } from '../contract/index.ts';
import { within } from './trace.ts';

/** Facets that are one method each. */
const METHODS = ['latest', 'append', 'fields', 'volume', 'probe'] as const;

/** The source, with every call into it made in its own name, so that what it leaves behind is blamed on it and nobody else. */
export function tracedSource(source: Source, name: string): Source {
  const { query, follow, stats, schema, archive, retention } = source;
  const facets: Partial<Source> = {
    ...(query && { query: tracedQuery(query, name) }),
    ...(follow && { follow: tracedFollow(follow, name) }),
    ...(stats && { stats: tracedCalls(stats, name) }),
    ...(schema && { schema: tracedCalls(schema, name) }),
    ...(archive && { archive: tracedCalls(archive, name) }),
    ...(retention && { retention: tracedCalls(retention, name) }),
  };
  for (const method of METHODS) {
    const call = source[method] as ((...args: unknown[]) => unknown) | undefined;
    if (call) Object.assign(facets, { [method]: (...args: unknown[]) => within(name, () => call.apply(source, args)) });
  }
  // Described, not assigned: what a source inherits or has frozen may not be assigned to.
  return Object.create(source, Object.getOwnPropertyDescriptors(facets)) as Source;
}

/** The way a sink is written to, in its own name. */
export function tracedWrite(sink: Sink, name: string): NonNullable<Sink['write']> {
  return (entries, signal) => within(name, async () => sink.write?.(entries, signal));
}

/** A mounted handler, in the name of the sink that mounted it; one that throws still answers. */
export function tracedHandler(handler: Handler, name: string, failed: (error: unknown) => void): Handler {
  const { upgrade } = handler;
  return {
    request(request, response) {
      try {
        within(name, () => handler.request(request, response));
      } catch (error) {
        if (!response.headersSent) response.writeHead(500, { 'content-type': 'application/problem+json' });
        response.end(JSON.stringify(problem(500, 'ERR_INTERNAL', `what is mounted here (${name}) failed`)));
        failed(error);
      }
    },
    ...(upgrade && {
      upgrade(request, socket, head) {
        try {
          within(name, () => upgrade.call(handler, request, socket, head));
        } catch (error) {
          socket.destroy();
          failed(error);
        }
      },
    }),
  };
}

function tracedQuery(query: QueryFacet, name: string): QueryFacet {
  const { plan } = query;
  return {
    ...(plan && { plan: (asked) => within(name, () => plan.call(query, asked)) }),
    run: (asked, run) => tracedIterable(() => query.run(asked, run), name),
  };
}

function tracedFollow(follow: FollowFacet, name: string): FollowFacet {
  return {
    // A table tells it by its key, which is not known before the start.
    get replay() {
      return follow.replay;
    },
    async open(request, signal): Promise<Following> {
      const following = await within(name, async () => follow.open(request, signal));
      const { start, lost, batches } = following;
      return { start, lost, batches: tracedIterable<Batch>(() => batches, name) };
    },
  };
}

/** A facet of several methods; an answer that is iterated over is read in the plugin's name as well. */
function tracedCalls<T extends object>(facet: T, name: string): T {
  return new Proxy({} as T, {
    get(_target, key) {
      const member = facet[key as keyof T];
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        const answer: unknown = within(name, () => member.apply(facet, args));
        return isIterable(answer) ? tracedIterable(() => answer, name) : answer;
      };
    },
  });
}

function isIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

/** A generator runs in the context of whoever asks for its next value, so each asking is made in the plugin's name. */
function tracedIterable<T>(make: () => AsyncIterable<T>, name: string): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const inner = within(name, () => make()[Symbol.asyncIterator]());
      return {
        next: () => within(name, () => inner.next()),
        ...(inner.return && { return: (value?: unknown) => within(name, () => (inner.return as NonNullable<typeof inner.return>)(value)) }),
      };
    },
  };
}
