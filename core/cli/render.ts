import Table from 'cli-table3';
import type { Json, JsonObject } from '../contract/index.ts';
import { pc } from './colours.ts';

/** A terminal obeys escape sequences; nothing that was read from a source may reach it as one. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, (char) =>
    char === '\n' || char === '\t' ? char : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

const LEVEL_COLOURS: Record<string, (text: string) => string> = {
  CRITICAL: (text) => pc.bgRed(pc.white(text)),
  FATAL: (text) => pc.bgRed(pc.white(text)),
  ERROR: pc.red,
  WARNING: pc.yellow,
  WARN: pc.yellow,
  INFO: pc.green,
  DEBUG: pc.dim,
};
const STATUS_COLOURS: Record<string, (text: string) => string> = {
  ok: pc.green,
  warning: pc.yellow,
  critical: pc.red,
  unknown: pc.magenta,
};
/** Shown in front, or of no use to a person who watches. */
const NOT_EXTRA = new Set([
  'timestamp',
  '@timestamp',
  'time',
  'ts',
  'level',
  'logger',
  'message',
  'msg',
  'module',
  'function',
  'line',
  'process_id',
  'thread_id',
  'thread_name',
  'pathname',
  'exception',
  'hostname',
  'pid',
]);

export function statusText(status: string): string {
  return (STATUS_COLOURS[status] ?? ((text: string) => text))(status);
}

/** A log entry as a line, with its exception below. */
export function logLine(body: JsonObject): string {
  const level = text(body['level']).toUpperCase() || '-';
  const time = text(body['timestamp'] ?? body['@timestamp'] ?? body['time'] ?? body['ts'])
    .replace('T', ' ')
    .replace(/Z$/, '');
  const extras = Object.entries(body)
    .filter(([key]) => !NOT_EXTRA.has(key))
    .map(([key, value]) => pc.dim(`${printable(key)}=`) + text(value));
  const colour = LEVEL_COLOURS[level] ?? ((plain: string) => plain);
  const parts = [pc.dim(time), colour(level.padEnd(8)), pc.cyan(text(body['logger'])), text(body['message'] ?? body['msg']), ...extras];
  return parts.filter((part) => part !== '').join(' ') + exceptionText(body['exception']);
}

function exceptionText(exception: Json | undefined): string {
  if (exception === undefined || exception === null) return '';
  if (typeof exception !== 'object' || Array.isArray(exception)) return `\n    ${pc.red(text(exception))}`;
  const { type, message, traceback } = exception as JsonObject;
  const head = `\n    ${pc.red(`${text(type)}: ${text(message)}`)}`;
  const trace = typeof traceback === 'string' ? traceback.trimEnd().split('\n') : [];
  return head + trace.map((line) => `\n    ${pc.dim(printable(line))}`).join('');
}

function text(value: Json | undefined): string {
  if (value === undefined || value === null) return '';
  return printable(typeof value === 'string' ? value : JSON.stringify(value)).replace(/\n/g, '\\n');
}

/** The present state of health: a line for the whole, a row for each check. */
export function healthTable(data: JsonObject): string {
  const messages = messagesOf((data['details'] ?? {}) as JsonObject);
  const rows = Object.entries((data['checks'] ?? {}) as JsonObject).map(([name, status]) => [
    printable(name),
    statusText(text(status)),
    text(messages[name]),
  ]);
  return `${pc.bold('status')} ${statusText(text(data['status']))}\n${table(['check', 'status', 'message'], rows)}`;
}

/** By the name of the check; where several scripts have one of the same name, it is led by its source's. */
function messagesOf(details: JsonObject): JsonObject {
  const found: Record<string, Json> = {};
  for (const [source, detail] of Object.entries(details)) {
    const messages = ((detail as JsonObject | null)?.['messages'] ?? {}) as JsonObject;
    for (const [check, message] of Object.entries(messages)) {
      found[`${source}.${check}`] = message;
      found[check] ??= message;
    }
  }
  return found;
}

const MAX_COLUMNS = 8;

/** Recorded health, a line for each run: what was not ok, and why. */
export function healthHistory(rows: readonly JsonObject[]): string {
  const lines = rows.map((row) => {
    const messages = messagesOf({ '': (row['details'] ?? {}) as Json });
    const bad = Object.entries((row['checks'] ?? {}) as JsonObject).filter(([, status]) => status !== 'ok');
    const why = bad.map(([name, status]) => `${printable(name)} ${text(status)}: ${text(messages[name])}`).join('; ');
    return [text(row['timestamp']), text(row['source']), statusText(text(row['status'])), why];
  });
  return table(['time', 'source', 'status', 'what was not ok'], lines);
}

/** Rows of any shape, by their commonest keys. */
export function rowsTable(rows: readonly JsonObject[]): string {
  const seen = new Map<string, number>();
  for (const row of rows) for (const key of Object.keys(row)) seen.set(key, (seen.get(key) ?? 0) + 1);
  const columns = [...seen]
    .sort((a, b) => b[1] - a[1])
    .slice(0, MAX_COLUMNS)
    .map(([key]) => key);
  return table(
    columns.map(printable),
    rows.map((row) => columns.map((column) => text(row[column]).slice(0, 60))),
  );
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const made = new Table({ head: head.map((name) => pc.bold(name)), style: { head: [], border: [], compact: true } });
  for (const row of rows) made.push([...row]);
  return made.toString();
}
