import type { Page, QueryRequest } from '../../core/contract/index.ts';
import { labelsOf, noteOf, reportsOf } from './reports.ts';

/** Rows as JSON. Each row is spliced in as its source wrote it: parsing would round large integers and drop repeated keys. */
export function jsonRows(request: QueryRequest, page: Page): string {
  const head = { query_type: request.type, source: labelsOf(page), days: request.days, count: page.entries.length };
  const rows = page.entries.map((entry) => entry.json).join(',');
  return `${JSON.stringify(head).slice(0, -1)},"data":[${rows}],${JSON.stringify(endOf(page)).slice(1)}`;
}

/** One row a line, and a last line that says what a JSON answer says around its rows. */
export function ndjsonRows(page: Page): string {
  const summary = JSON.stringify({ summary: { count: page.entries.length, ...endOf(page) } });
  return [...page.entries.map((entry) => entry.json), summary, ''].join('\n');
}

function endOf(page: Page) {
  return {
    ...(page.next !== undefined && { next_cursor: page.next }),
    truncated: page.next !== undefined,
    sources: reportsOf(page),
    ...noteOf(page.notes),
  };
}
