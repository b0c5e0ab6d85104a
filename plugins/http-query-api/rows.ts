import type { Page, QueryRequest } from '../../core/contract/index.ts';
import { labelsOf, noteOf, type Report, reportsOf } from './reports.ts';
import { splice } from './splice.ts';

const LONGEST_HEADER = 8192;

/** Rows as JSON. Each row is spliced in as its source wrote it: parsing would round large integers and drop repeated keys. */
export function jsonRows(request: QueryRequest, page: Page): Buffer {
  const head = { query_type: request.type, source: labelsOf(page), days: request.days, count: page.entries.length };
  const before = `${JSON.stringify(head).slice(0, -1)},"data":[`;
  const after = `],${JSON.stringify(endOf(page)).slice(1)}`;
  return splice(before, jsonOf(page), ',', after);
}

/** One row a line, and a last line that says what a JSON answer says around its rows. */
export function ndjsonRows(page: Page): Buffer {
  const summary = JSON.stringify({ summary: summaryOf(page) });
  return splice('', [...jsonOf(page), summary], '\n', '\n');
}

function jsonOf(page: Page): string[] {
  return page.entries.map((entry) => entry.json);
}

/** The same summary for a format that has no place for it. */
export function summaryHeader(page: Page): string {
  return headerText(summaryOf(page));
}

/** A summary as JSON in ASCII, fit for a header; its longest parts left out when it is over 8 KiB. */
export function headerText({ sources, note, ...short }: { readonly sources: readonly Report[]; readonly note?: string }): string {
  const whole = ascii(JSON.stringify({ ...short, sources, ...(note !== undefined && { note }) }));
  return whole.length <= LONGEST_HEADER ? whole : ascii(JSON.stringify({ ...short, note: 'too long for a header; ask with format=json' }));
}

function summaryOf(page: Page) {
  return { count: page.entries.length, ...endOf(page) };
}

function endOf(page: Page) {
  return {
    ...(page.next !== undefined && { next_cursor: page.next }),
    truncated: page.next !== undefined,
    sources: reportsOf(page),
    ...noteOf(page.notes),
  };
}

function ascii(json: string): string {
  return json.replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
