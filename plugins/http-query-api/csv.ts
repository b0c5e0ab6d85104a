import type { Page } from '../../core/contract/index.ts';
import { membersOf } from './members.ts';

const QUOTED = /[",\r\n]/;
const FORMULA = /^[=+\-@\t\r]/;
const NUMBER = /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/;

/**
 * Rows as CSV (RFC 4180, lines end with CRLF). The columns are all top-level keys in order of first appearance, `timestamp`
 * before them; nested values are JSON, numbers keep their digits, `null` and an absent key are empty.
 * Without rows there are no columns, and the text is empty.
 */
export function csvRows(page: Page): string {
  if (page.entries.length === 0) return '';
  const rows = page.entries.map((entry) => membersOf(entry.json));
  const keys = new Set(rows.some((row) => row.has('timestamp')) ? ['timestamp'] : []);
  for (const row of rows) for (const key of row.keys()) keys.add(key);
  const columns = [...keys];
  return csvTable(
    columns,
    rows.map((row) => columns.map((column) => row.get(column))),
  );
}

/** A line of names, and a line for each row; each value is a JSON text, or absent. */
export function csvTable(columns: readonly string[], rows: readonly (readonly (string | undefined)[])[]): string {
  const lines = rows.map((row) => row.map(fieldOf).join(','));
  return [columns.map(textField).join(','), ...lines, ''].join('\r\n');
}

function fieldOf(json: string | undefined): string {
  if (json === undefined || json === 'null') return '';
  return json.startsWith('"') ? textField(JSON.parse(json) as string) : quoted(json);
}

/** A text that a spreadsheet would run as a formula gets a `'` in front. */
function textField(text: string): string {
  return quoted(FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text);
}

function quoted(text: string): string {
  return QUOTED.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
