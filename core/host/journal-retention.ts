import { type Change, cutOff, durationText, formatTime, PartialRetention, type Source } from '../contract/index.ts';
import type { Journal } from '../state/state.ts';

const DEFAULT_KEEP_MS = 30 * 86_400_000;

/** Keeps a source's journal as long as the source says. A policy of the source's own, of what it stores elsewhere, goes with it. */
export function journalRetention(journal: Journal, { keep = DEFAULT_KEEP_MS, retention }: Source): NonNullable<Source['retention']> {
  const policy = `entries older than ${durationText(keep)} are deleted`;
  return {
    describe: () => (retention ? `${policy}; ${retention.describe()}` : policy),
    async apply(options, signal) {
      const before = cutOff(keep);
      const count = await (options.dryRun ? journal.count(before) : journal.prune(before));
      const changes: Change[] = count > 0 ? [{ what: `delete journal entries before ${formatTime(before)}`, count }] : [];
      if (!retention) return changes;
      try {
        return [...changes, ...(await retention.apply(options, signal))];
      } catch (error) {
        const done = [...changes, ...(error instanceof PartialRetention ? error.changes : [])];
        throw done.length > 0 && !options.dryRun ? new PartialRetention(done, error) : error;
      }
    },
  };
}
