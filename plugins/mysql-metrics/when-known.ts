import type { FollowFacet, QueryFacet, Source, StatsFacet } from '../../core/contract/index.ts';

type Ready = (signal: AbortSignal) => Promise<void>;

/** The same facets, each of which waits until the table is known before it does its work. `life` aborts when the instance ends. */
export function whenKnown(source: Source, ready: Ready, life: AbortSignal): Source {
  const { query, follow, append, stats, fields, volume, retention } = source;
  return {
    ...source,
    ...(query && { query: knownQuery(query, ready, life) }),
    ...(follow && { follow: knownFollow(follow, ready) }),
    ...(append && { append: (bodies, signal, time) => ready(signal).then(() => append(bodies, signal, time)) }),
    ...(stats && { stats: knownStats(stats, ready, life) }),
    ...(fields && { fields: (run) => ready(run.signal).then(() => fields(run)) }),
    ...(volume && { volume: (run) => ready(run.signal).then(() => volume(run)) }),
    ...(retention && {
      retention: {
        describe: () => retention.describe(),
        apply: (options, signal) => ready(signal).then(() => retention.apply(options, signal)),
      },
    }),
  };
}

function knownQuery(query: QueryFacet, ready: Ready, life: AbortSignal): QueryFacet {
  const { plan } = query;
  return {
    ...(plan && {
      async plan(asked) {
        await ready(life);
        return plan.call(query, asked);
      },
    }),
    async *run(asked, run) {
      await ready(run.signal);
      yield* query.run(asked, run);
    },
  };
}

function knownStats(stats: StatsFacet, ready: Ready, life: AbortSignal): StatsFacet {
  return {
    async plan(asked) {
      await ready(life);
      return stats.plan(asked);
    },
    async *run(asked, run) {
      await ready(run.signal);
      yield* stats.run(asked, run);
    },
  };
}

function knownFollow(follow: FollowFacet, ready: Ready): FollowFacet {
  return {
    // Which of the two it is, the table's key tells; while the table is not known, the weaker promise stands.
    get replay() {
      try {
        return follow.replay;
      } catch {
        return 'overlap';
      }
    },
    async open(request, signal) {
      await ready(signal);
      return follow.open(request, signal);
    },
  };
}
