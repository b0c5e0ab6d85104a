import { randomBytes } from 'node:crypto';
import type { Source, SourceContext } from '../../core/contract/index.ts';
import { StoreKeeper } from '../cassandra/keeper.ts';
import { keepSeconds } from '../cassandra/options.ts';
import { Pace } from '../cassandra/pace.ts';
import { probeStore } from '../cassandra/probe.ts';
import { storeRetention } from '../cassandra/retention.ts';
import { openStore, schemaFacet } from '../cassandra/schema.ts';
import { writeLines } from '../cassandra/write-lines.ts';
import { storeArchive } from './archive.ts';
import type { LogStore } from './changes-store.ts';
import { storeFollow } from './follow.ts';
import type { Options } from './options.ts';
import { logQuery } from './query.ts';
import { Reads } from './reads.ts';
import { storeStats } from './stats.ts';
import { newestOf, volumeOf } from './volume.ts';

/** Writes of a restore that are under way at a time. */
const RESTORING = 32;

export function createCassandraLogs({ id, host, options, log }: SourceContext<Options>) {
  const keeper = new StoreKeeper((signal) => openStore(options, { create: options.create, source: id, host, log }, signal), log);
  const store: LogStore = { session: () => keeper.now().session, store: () => keeper.now().store };
  const reads = new Reads(store, options.read_consistency);
  const pace = new Pace(RESTORING);
  const writer = `${host}/${id}/${randomBytes(4).toString('hex')}`;

  return {
    type: 'logs',
    label: options.label ?? `Cassandra (${options.keyspace}.application_logs)`,
    mirror: true,
    start: (signal) => keeper.start(signal),
    stop: () => keeper.stop(),
    query: logQuery(reads, host),
    follow: storeFollow({ ...store, host, log, options }),
    stats: storeStats({ ...store, log }),
    volume: ({ signal }) => volumeOf(reads, signal),
    async probe(signal) {
      const opened = keeper.now();
      const found = await probeStore(opened.session, opened.store, options, signal);
      const newest = found.ok ? await newestOf(reads, signal) : undefined;
      return { ...found, ...(newest !== undefined && { newest }) };
    },
    schema: schemaFacet(options, { host, log }),
    retention: storeRetention(options, () => keeper.opened),
    archive: storeArchive({
      ...store,
      writeRows(rows, signal) {
        const opened = keeper.now();
        const consistency = opened.session.driver.types.consistencies.localQuorum;
        return writeLines(opened, rows, { writer, keep: keepSeconds(options), consistency, pace, log }, signal);
      },
    }),
  } satisfies Source;
}
