import type { Json, KeyValue, Micros, RetentionRun } from '../contract/index.ts';
import type { RetentionFacts } from '../telemetry/metrics.ts';

/** What the runs that were real left behind in the state, whichever process made them. */
export interface RetentionRecord extends RetentionFacts {
  /** When the last run over all sources began. */
  readonly whole: Micros | null;
}

const NOTHING: RetentionRecord = { last: null, whole: null, sources: {} };

export async function readRecord(state: KeyValue): Promise<RetentionRecord> {
  return ((await state.get('record')) as unknown as RetentionRecord | undefined) ?? NOTHING;
}

/** The record after a run. Sources that are configured no more are forgotten. */
export function recorded(before: RetentionRecord, run: RetentionRun, configured: readonly string[], whole: boolean): Json {
  const sources = new Map(Object.entries(before.sources).filter(([name]) => configured.includes(name)));
  for (const { source, changes, error } of run.results) {
    const known = sources.get(source) ?? { applied: null, changes: 0, errors: 0 };
    const count = changes.reduce((sum, change) => sum + change.count, 0);
    sources.set(
      source,
      error === undefined ? { ...known, applied: run.time, changes: count } : { ...known, changes: count, errors: known.errors + 1 },
    );
  }
  const after: RetentionRecord = { last: run, whole: whole ? run.time : before.whole, sources: Object.fromEntries(sources) };
  return after as unknown as Json;
}
