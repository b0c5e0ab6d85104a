import type { Page } from '../../core/contract/index.ts';

/** How one source took part, as answers spell it. */
export interface Report {
  readonly name: string;
  readonly status: 'ok' | 'failed' | 'timeout';
  readonly count: number;
  readonly took_ms: number;
  readonly error?: string;
  readonly retry?: string;
  readonly duplicates?: number;
}

export function reportsOf(page: Page): Report[] {
  return page.sources.map(({ name, status, count, tookMs, error, retry, duplicates }) => ({
    name,
    status,
    count,
    took_ms: Math.round(tookMs * 10) / 10,
    ...(error !== undefined && { error }),
    ...(retry !== undefined && { retry }),
    ...(duplicates > 0 && { duplicates }),
  }));
}

/** The labels of the sources whose rows an answer holds, each once; `none` when no source is configured. */
export function labelsOf(page: Page): string {
  const answered = page.sources.filter((report) => report.status === 'ok' || report.count > 0);
  return [...new Set(answered.map((report) => report.label))].join(' + ') || 'none';
}

/** `note` as a member to spread: absent when there is nothing to say. */
export function noteOf(notes: readonly string[]): { note?: string } {
  return notes.length > 0 ? { note: notes.join('; ') } : {};
}
