import type { DataType, Page, Services, SourceReport, StatsQuery } from '../contract/index.ts';
import { Groups } from './groups.ts';

const PAGE = 5000;

interface Counted {
  readonly groups: Groups;
  readonly reports: ReadonlyMap<string, SourceReport>;
  readonly notes: ReadonlySet<string>;
}

/**
 * Counts the entries of these sources, each once although several hold it. When a source fails, counting begins again without
 * it: half of what a source holds is worse than nothing of it.
 */
export async function fromEntries(
  ask: Services['query'],
  type: DataType,
  query: StatsQuery,
  sources: readonly string[],
  signal: AbortSignal,
): Promise<Counted> {
  const failed = new Map<string, SourceReport>();
  for (;;) {
    const attempt = new Attempt(query);
    const left = sources.filter((name) => !failed.has(name));
    const failures = left.length > 0 ? await attempt.read(ask, type, left, signal) : [];
    if (failures.length === 0) return { groups: attempt.groups, reports: new Map([...attempt.reports, ...failed]), notes: attempt.notes };
    for (const { retry: _retry, ...report } of failures) failed.set(report.name, { ...report, count: 0 });
  }
}

class Attempt {
  readonly groups: Groups;
  readonly reports = new Map<string, SourceReport>();
  readonly notes = new Set<string>();
  readonly #query: StatsQuery;

  constructor(query: StatsQuery) {
    this.#query = query;
    this.groups = new Groups(query);
  }

  /** Reads to the end, or until sources failed; then it answers their reports. */
  async read(ask: Services['query'], type: DataType, sources: readonly string[], signal: AbortSignal): Promise<readonly SourceReport[]> {
    const { from, to, where } = this.#query;
    let cursor: string | undefined;
    do {
      const page = await ask(type, { from, to, where, sources, limit: PAGE, ...(cursor !== undefined && { cursor }) }, signal);
      const failures = page.sources.filter(({ status }) => status !== 'ok');
      if (failures.length > 0) return failures;
      this.#take(page);
      cursor = page.next;
    } while (cursor !== undefined);
    return [];
  }

  #take(page: Page): void {
    for (const { time, body } of page.entries) this.groups.add(time, body);
    for (const note of page.notes) this.notes.add(note);
    for (const report of page.sources) this.reports.set(report.name, together(report, this.reports.get(report.name)));
  }
}

function together(report: SourceReport, before: SourceReport | undefined): SourceReport {
  if (!before) return report;
  const { count, duplicates, tookMs } = before;
  const skipped = (before.skipped ?? 0) + (report.skipped ?? 0);
  return {
    ...report,
    count: count + report.count,
    duplicates: duplicates + report.duplicates,
    tookMs: tookMs + report.tookMs,
    ...(skipped > 0 && { skipped }),
  };
}
