import { type Batch, type FollowFacet, PermanentError, type QueryFacet, type Source, type StatsFacet } from '../../core/contract/index.ts';
import { notAdded } from '../../core/table/index.ts';
import { unsafeToWrite } from './inspect.ts';
import type { Lookout } from './lookout.ts';

/** A follower asks for the table itself only, so it causes it to be looked at again: {@link Ready} does so when it is time. */
const REMIND_MS = 5000;

type Ready = (signal: AbortSignal) => Promise<unknown>;

export interface Known {
  readonly lookout: Lookout;
  /** Aborts when the instance ends. */
  readonly life: AbortSignal;
  /** Rows are never deleted. */
  readonly permanent: boolean;
}

/** The same facets, each of which waits until the table is known before it does its work. */
export function whenKnown(source: Source, { lookout, life, permanent }: Known): Source {
  const ready: Ready = (signal) => lookout.ready(signal);
  const { query, follow, append, stats, fields, volume, retention } = source;
  return {
    ...source,
    ...(query && { query: knownQuery(query, ready, life) }),
    ...(follow && { follow: knownFollow(follow, ready) }),
    ...(append && { append: knownAppend(append, lookout) }),
    ...(stats && { stats: knownStats(stats, ready, life) }),
    ...(fields && { fields: (run) => ready(run.signal).then(() => fields(run)) }),
    ...(volume && { volume: (run) => ready(run.signal).then(() => volume(run)) }),
    ...(retention && {
      retention: {
        describe: () => retention.describe(),
        apply: async (options, signal) => {
          if (permanent) return [];
          await ready(signal);
          return retention.apply(options, signal);
        },
      },
    }),
  };
}

type Append = NonNullable<Source['append']>;

function knownAppend(append: Append, lookout: Lookout): Append {
  return async (bodies, signal, time) => {
    const found = await lookout.ready(signal).catch((error: unknown) => Promise.reject(notAdded(error)));
    const unsafe = unsafeToWrite(found);
    if (unsafe !== undefined) throw new PermanentError(unsafe);
    const judged = lookout.table;
    const results = await append(bodies, signal, time);
    if (!results.some(({ status }) => status === 'invalid')) return results;
    // Nothing was added. Perhaps the columns are others now: then they are what judges.
    await lookout.looked(signal);
    await lookout.ready(signal);
    return lookout.table === judged ? results : append(bodies, signal, time);
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
      const following = await follow.open(request, signal);
      return { ...following, batches: reminding(following.batches, ready, signal) };
    },
  };
}

async function* reminding(batches: AsyncIterable<Batch>, ready: Ready, signal: AbortSignal): AsyncIterable<Batch> {
  // What is wrong with the database the follower notices by itself.
  const timer = setInterval(() => void ready(signal).catch(() => undefined), REMIND_MS);
  try {
    yield* batches;
  } finally {
    clearInterval(timer);
  }
}
