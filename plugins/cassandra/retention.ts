import { type Change, durationText, PartialRetention, RetryableError, type Source } from '../../core/contract/index.ts';
import { agreement, changeSchema } from './change-schema.ts';
import { settingsOf } from './differences.ts';
import { type ClusterOptions, keepSeconds } from './options.ts';
import { findSchema } from './read-schema.ts';
import { type RowsKept, rowKeptText } from './rows-kept.ts';
import { type Opened, storeOf } from './schema.ts';
import { LOGS, TABLES } from './tables.ts';

const EXPIRING = TABLES.filter(({ expires }) => expires === 'lines').map(({ name }) => name);

/**
 * Lines expire in Cassandra itself, each with the time to live that it was written with; `keep` is for new ones. What can be
 * applied is the default of the tables; what `rows` have is told. `opened` is undefined while the source is not started.
 */
export function storeRetention(
  options: ClusterOptions,
  opened: () => Opened | undefined,
  rows: RowsKept,
): NonNullable<Source['retention']> {
  const policy = `lines expire ${durationText(options.keep)} after their time (TTL)`;
  let seen: { readonly ttl: number } | undefined;

  async function differing({ session, store }: Opened, signal: AbortSignal) {
    const found = await findSchema(session, store.keyspace, signal);
    storeOf(session, store.keyspace, found);
    seen = { ttl: found.tables.get(LOGS)?.ttl ?? 0 };
    return settingsOf(found, store.keyspace, keepSeconds(options))
      .filter(({ table, name }) => name === 'default_time_to_live' && EXPIRING.includes(table))
      .map(({ table, is, statement }) => ({ table, statement, change: changeOf(`${store.keyspace}.${table}`, Number(is), options.keep) }));
  }

  function tableText(): string | undefined {
    const store = opened()?.store;
    const ttl = seen?.ttl ?? (store && (store.keep ?? 0));
    if (ttl === undefined) return 'the table was not looked at yet';
    if (ttl === keepSeconds(options)) return undefined;
    return `the table's default is ${ttlText(ttl)}, which cauce retention apply sets to ${durationText(options.keep)}`;
  }

  return {
    describe: () => [policy, tableText(), rowKeptText(rows.seen, options.keep)].filter((text) => text !== undefined).join('; '),
    async apply({ dryRun }, signal): Promise<readonly Change[]> {
      const current = opened();
      if (!current) throw new RetryableError('there is no connection to Cassandra yet', { code: 'ERR_CASSANDRA' });
      const settings = await differing(current, signal);
      await rows.look(signal);
      if (dryRun) return settings.map(({ change }) => change);
      const done: Change[] = [];
      for (const { table, statement, change } of settings) {
        try {
          await changeSchema(current.session, statement, signal);
        } catch (error) {
          throw done.length > 0 ? new PartialRetention(done, error) : error;
        }
        if (table === LOGS) seen = { ttl: keepSeconds(options) };
        done.push(change);
      }
      await agreement(current.session, signal);
      return done;
    },
  };
}

function changeOf(table: string, ttl: number, keep: number): Change {
  return { what: `let new rows of ${table} expire after ${durationText(keep)} by default (now: ${ttlText(ttl)})`, count: 1 };
}

function ttlText(seconds: number): string {
  return seconds === 0 ? 'never' : durationText(seconds * 1000);
}
