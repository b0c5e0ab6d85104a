import type { Source, SourceContext } from '../../core/contract/index.ts';
import { createTableSource } from '../../core/table/index.ts';
import { MysqlDatabase } from './database.ts';
import type { Place } from './errors.ts';
import type { Mapping } from './inspect.ts';
import { loginOf } from './login.ts';
import { Lookout } from './lookout.ts';
import { type Options, splitTable } from './options.ts';
import { probeTable } from './probe.ts';
import { applySchema } from './schema.ts';
import { whenKnown } from './when-known.ts';

export function createMysqlMetrics(context: SourceContext<Options>) {
  const { options, log } = context;
  const ended = new AbortController();
  const life = AbortSignal.any([context.signal, ended.signal]);
  const login = loginOf(options);
  const table = splitTable(options.table)[1];
  const place: Place = { at: login.at, user: login.user, table: options.table, encrypted: options.tls !== false };
  const mapping: Mapping = { ...options, database: login.database, table };
  const database = new MysqlDatabase({
    login,
    zone: options.time_zone,
    timeout: options.timeout,
    place,
    table,
    pool: options.pool,
    changed: () => lookout.forget(),
  });
  const lookout: Lookout = new Lookout({ database, mapping, place, log, life });
  const { every, late, keep, writable } = options;
  const facets = createTableSource({
    source: context.id,
    type: 'metrics',
    label: options.label ?? `MySQL (${options.table})`,
    database,
    table: () => lookout.table,
    every,
    late,
    ...(keep !== undefined && { keep }),
    writable,
    log,
  });

  return {
    ...whenKnown(facets, { lookout, life, permanent: keep === undefined }),
    start: (signal) => lookout.first(signal),
    async stop() {
      ended.abort();
      await database.close();
    },
    probe: (signal) => probeTable({ database, lookout, at: login.at, writable, deletes: keep !== undefined }, signal),
    schema: {
      apply: (what, signal) =>
        applySchema(database, mapping, what, signal).finally(() => {
          // What was missing may be there now.
          if (!what.dryRun) lookout.forget();
        }),
    },
  } satisfies Source;
}
