import { describe, formatTime, type Probe } from '../../core/contract/index.ts';
import type { MysqlDatabase } from './database.ts';
import { quote } from './dialect.ts';
import { missingIndexes } from './indexes.ts';
import { type Found, unsafeToWrite } from './inspect.ts';
import type { Lookout } from './lookout.ts';

export interface Probed {
  readonly database: MysqlDatabase;
  readonly lookout: Lookout;
  readonly at: string;
  /** Rows are to be added. */
  readonly writable: boolean;
  /** Old rows are to be deleted. */
  readonly deletes: boolean;
}

/** What is there: the server, about how many rows, the newest of them, and what makes queries slow. */
export async function probeTable(probed: Probed, signal: AbortSignal): Promise<Probe> {
  const { database, lookout, at } = probed;
  try {
    const found = await lookout.ready(signal);
    const { table, schema, view } = found;
    const [count] = await database.read(
      { text: 'SELECT TABLE_ROWS FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?', values: [schema, table.name] },
      signal,
    );
    const [last] = await database.read({ text: `SELECT MAX(${quote(table.time.column)}) FROM ${quote(table.name)}`, values: [] }, signal);
    const newest = database.dialect.readTime(last?.[0] ?? null);
    const { flavour, version } = database.server ?? {};
    const missing = view ? [] : missingIndexes(table);
    const parts = [`${flavour} ${version?.replace(/-mariadb.*/i, '')} at ${at}`, `${table.name}`];
    if (!view) parts.push(`about ${String(count?.[0] ?? 0)} rows`);
    parts.push(newest === undefined ? 'no row with a time yet' : `newest ${formatTime(newest)}`);
    if (missing.length > 0) parts.push(`no index begins with ${missing.join(', ')}: add them with cauce schema apply`);
    const wrong = await hindrances(probed, found, signal);
    parts.push(...wrong);
    return { ok: wrong.length === 0, detail: parts.join(', '), ...(newest !== undefined && { newest }) };
  } catch (error) {
    if (signal.aborted) throw error;
    return { ok: false, detail: describe(error) };
  }
}

/** What stands against what the configuration wants to do. */
async function hindrances({ database, writable, deletes }: Probed, found: Found, signal: AbortSignal): Promise<string[]> {
  const name = quote(found.table.name);
  const lacks = async (statement: string) => {
    try {
      // A statement that is only explained needs the privileges that it would need, however the user comes by them.
      await database.write((transaction) => transaction.read({ text: `EXPLAIN ${statement}`, values: [] }), signal);
      return false;
    } catch (error) {
      if (signal.aborted) throw error;
      return (error as { code?: unknown }).code === 'ERR_DB_TABLEACCESS_DENIED_ERROR';
    }
  };
  const unsafe = writable ? unsafeToWrite(found) : undefined;
  const wrong = unsafe === undefined ? [] : [unsafe];
  if (writable && (await lacks(`INSERT INTO ${name} () VALUES ()`))) wrong.push('writable: the user lacks the privilege INSERT, GRANT it');
  if (deletes && (await lacks(`DELETE FROM ${name} WHERE FALSE`))) wrong.push('keep: the user lacks the privilege DELETE, GRANT it');
  return wrong;
}
