import { statSync } from 'node:fs';
import { describe, formatTime, type Probe, sizeText } from '../../core/contract/index.ts';
import type { Table } from '../../core/table/index.ts';
import type { SqliteDatabase } from './database.ts';
import { STORED_GLOB } from './times.ts';

/** What is there: the file, the newest row, and what is wrong with it. */
export async function probeTable(database: SqliteDatabase, table: () => Table, signal: AbortSignal): Promise<Probe> {
  const { dialect, path } = database;
  try {
    const { name, time, identity, indexed } = table();
    const [last] = await database.read(
      { text: `SELECT MAX(${dialect.quote(time.column)}) FROM ${dialect.quote(name)}`, values: [] },
      signal,
    );
    const newest = dialect.readTime(last?.[0] ?? null);
    const missing = [time, ...identity].map(({ column }) => column).filter((column) => !indexed.has(column));
    const parts = [`${path} (${sizeText(statSync(path).size)})`, name];
    parts.push(newest === undefined ? 'no row with a time yet' : `newest ${formatTime(newest)}`);
    if (missing.length > 0) parts.push(`no index begins with ${missing.join(', ')}: add them with cauce schema apply`);
    const wrong = await misformed(database, table(), signal);
    if (wrong !== undefined) parts.push(wrong);
    return { ok: wrong === undefined, detail: parts.join(', '), ...(newest !== undefined && { newest }) };
  } catch (error) {
    if (signal.aborted) throw error;
    return { ok: false, detail: describe(error) };
  }
}

/** What is wrong when a row has a time that is not in the stored form, so that it is no entry; a table that checks it needs no look. */
export async function misformed(database: SqliteDatabase, { name, time }: Table, signal: AbortSignal): Promise<string | undefined> {
  const [made] = await database.read({ text: 'SELECT sql FROM sqlite_schema WHERE name = ?', values: [name] }, signal);
  if (String(made?.[0]).includes(STORED_GLOB)) return undefined;
  const column = database.dialect.quote(time.column);
  const text = `SELECT ${column} FROM ${database.dialect.quote(name)} WHERE ${column} NOT GLOB ? LIMIT 1`;
  const [wrong] = await database.read({ text, values: [STORED_GLOB] }, signal);
  if (!wrong) return undefined;
  return `rows of ${name} whose ${time.column} is not like 2025-11-07 02:00:00.000000, such as ${JSON.stringify(String(wrong[0]).slice(0, 40))}, are left out; mend them with strftime('%Y-%m-%d %H:%M:%f', …) || '000'`;
}
