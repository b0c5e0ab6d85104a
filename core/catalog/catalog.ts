import { type CatalogEntry, type Micros, now, type Services } from '../contract/index.ts';
import type { Vocabulary } from '../dora/vocabulary.ts';
import type { Member } from '../query/member.ts';
import { type Description, describeSource } from './describe-source.ts';
import type { Expectations } from './expectations.ts';
import type { Flow } from './lineage.ts';

export interface CatalogOptions {
  members(): readonly Member[];
  /** Milliseconds that one source may take for its entry. */
  readonly deadline: number;
  readonly query: Services['query'];
  readonly status: Services['status'];
  readonly vocabulary: Vocabulary;
  /** Of the configured source of that name. */
  expects(source: string): Expectations;
  owner(source: string): string | null;
  /** Who reads whom. */
  flows(): readonly Flow[];
}

/** An entry costs a look at thousands of rows, so it is handed out again for this long. */
const FRESH_MS = 60_000;

interface Edition {
  /** What was running then; another set of sources is another catalogue. */
  readonly sources: string;
  readonly madeAt: number;
  readonly entries: Promise<readonly Description[]>;
}

/** Describes every configured source, side by side; who asks while it is being made waits for the same one. */
export function createCatalog(options: CatalogOptions): Services['catalog'] {
  let edition: Edition | undefined;

  function current(): Edition {
    const members = options.members();
    const states = options.status().map(({ kind, name, use, state }) => [kind, name, use, state]);
    const sources = JSON.stringify(states);
    if (edition && edition.sources === sources && performance.now() - edition.madeAt < FRESH_MS) return edition;
    const made: Edition = {
      sources,
      madeAt: performance.now(),
      entries: Promise.all(members.map((member) => describeSource(member, options))),
    };
    edition = made;
    made.entries.catch(() => {
      if (edition === made) edition = undefined;
    });
    return made;
  }

  return async (signal) => {
    const entries = await unlessAborted(current().entries, signal);
    const at = now();
    return entries.map((entry) => aged(entry, at));
  };
}

function aged(entry: Description, at: Micros): CatalogEntry {
  const { newest } = entry.freshness;
  return { ...entry, freshness: { newest, age_seconds: newest === null ? null : Math.max(0, Math.round((at - newest) / 1e6)) } };
}

/** Settles as `work` does, or rejects with the signal's reason; `work` goes on for the others. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort);
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
