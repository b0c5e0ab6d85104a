import { describe, formatTime, type Probe } from '../../core/contract/index.ts';
import type { MysqlDatabase } from './database.ts';
import { quote } from './dialect.ts';
import { missingIndexes } from './indexes.ts';
import type { Lookout } from './lookout.ts';

/** What is there: the server, about how many rows, the newest of them, and what makes queries slow. */
export async function probeTable(database: MysqlDatabase, lookout: Lookout, at: string, signal: AbortSignal): Promise<Probe> {
  try {
    const { table, schema, view } = await lookout.ready(signal);
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
    return { ok: true, detail: parts.join(', '), ...(newest !== undefined && { newest }) };
  } catch (error) {
    if (signal.aborted) throw error;
    return { ok: false, detail: describe(error) };
  }
}
