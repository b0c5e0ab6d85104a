import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Change, quantileOf, type Source, type SourceContext, type StatsQuery } from '../../core/contract/index.ts';
import { createTableSource, MappingError, type Table } from '../../core/table/index.ts';
import { SqliteDatabase } from './database.ts';
import { isBusy } from './faults.ts';
import { inspect, type Reader } from './inspect.ts';
import type { Options } from './options.ts';
import { misformed, probeTable } from './probe.ts';
import { stepsFor } from './schema.ts';

export function createSqliteMetrics({ id, options, log }: SourceContext<Options>) {
  const path = resolve(options.path);
  const database = new SqliteDatabase(path);
  const read: Reader = (text, ...values) => database.readNow({ text, values });
  let known: { readonly version: unknown; readonly table: Table } | undefined;

  /** The table as it is now: SQLite counts the changes of a file's schema. */
  function table(): Table {
    try {
      const version = read('PRAGMA schema_version')[0]?.[0];
      if (known && known.version === version) return known.table;
      const found = inspect(read, options);
      if (!found) throw new MappingError(`${path} has no table ${options.table}; cauce schema apply makes it`);
      known = { version, table: found };
      return found;
    } catch (error) {
      // Another process commits just now; the statement itself waits for it.
      if (known && isBusy((error as Error).cause)) return known.table;
      throw error;
    }
  }

  async function makeWhatIsMissing(signal: AbortSignal): Promise<readonly Change[]> {
    return database.write(async (transaction) => {
      // Under the lock, so that two processes do not make the same thing twice.
      const steps = stepsFor(read, options);
      for (const { statement } of steps) await transaction.run({ text: statement, values: [] });
      return steps.map(({ change }) => change);
    }, signal);
  }

  async function start(signal: AbortSignal): Promise<void> {
    await database.open(signal);
    if (!inspect(read, options)) {
      const made = await makeWhatIsMissing(signal);
      log.info('made the table', { file: path, changes: made.map(({ what }) => what) });
    }
    const wrong = await misformed(database, table(), signal);
    if (wrong !== undefined) log.warn(wrong, { file: path });
  }

  const facets = createTableSource({
    source: id,
    type: 'metrics',
    label: options.label ?? `SQLite (${options.table})`,
    database,
    table,
    every: options.every,
    late: options.late,
    ...(options.keep !== undefined && { keep: options.keep }),
    writable: true,
    log,
  });
  const { stats } = facets;

  return {
    ...facets,
    ...(stats && { stats: { plan: (query) => isQuick(query) && stats.plan(query), run: stats.run } }),
    start,
    stop: () => database.close(),
    probe: (signal) => probeTable(database, table, signal),
    schema: {
      async apply({ dryRun }, signal) {
        if (!existsSync(path) && dryRun) return stepsFor(() => [], options).map(({ change }) => change);
        const isOpen = database.isOpen;
        await database.open(signal);
        try {
          return dryRun ? stepsFor(read, options).map(({ change }) => change) : await makeWhatIsMissing(signal);
        } finally {
          if (!isOpen) await database.close();
        }
      },
    },
  } satisfies Source;
}

/**
 * Quantiles sort the table, and values in JSON are searched for row by row. A statement runs within this process and cannot be
 * interrupted, so these are left to the core, which reads page by page and lets others have their turn.
 */
function isQuick({ by, measures }: StatsQuery): boolean {
  const inJson = [...by, ...measures.map(({ field }) => field)].some((field) => field.includes('.'));
  return !inJson && measures.every(({ fn }) => quantileOf(fn) === undefined);
}
