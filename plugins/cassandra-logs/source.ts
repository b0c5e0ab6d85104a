import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, type Source, type SourceContext } from '../../core/contract/index.ts';
import { StoreKeeper } from '../cassandra/keeper.ts';
import { keepSeconds } from '../cassandra/options.ts';
import { Pace } from '../cassandra/pace.ts';
import { probeStore } from '../cassandra/probe.ts';
import { storeRetention } from '../cassandra/retention.ts';
import { rowKeptText } from '../cassandra/rows-kept.ts';
import { openStore, schemaFacet } from '../cassandra/schema.ts';
import { writeLines } from '../cassandra/write-lines.ts';
import { storeArchive } from './archive.ts';
import type { LogStore } from './changes-store.ts';
import { storeFollow } from './follow.ts';
import { NewestKept } from './newest-kept.ts';
import type { Options } from './options.ts';
import { logQuery } from './query.ts';
import { Reads } from './reads.ts';
import { storeStats } from './stats.ts';
import { volumeOf } from './volume.ts';

/** Writes of a restore that are under way at a time. */
const RESTORING = 32;
/** Milliseconds that a start waits for what rows say of how long they are kept. */
const LOOK_MS = 500;

export function createCassandraLogs({ id, host, options, log }: SourceContext<Options>) {
  const keeper = new StoreKeeper(
    options.hosts,
    (signal) => openStore(options, { create: options.create, source: id, host, log }, signal),
    log,
  );
  const store: LogStore = { session: () => keeper.now().session, store: () => keeper.now().store };
  const reads = new Reads(store, options.read_consistency);
  const kept = new NewestKept(reads);
  const pace = new Pace(RESTORING);
  const writer = `${host}/${id}/${randomBytes(4).toString('hex')}`;

  return {
    type: 'logs',
    label: options.label ?? `Cassandra (${options.keyspace}.application_logs)`,
    mirror: true,
    async start(signal) {
      await keeper.start(signal);
      // Whoever asks for the policy first is told what the rows have. It is looked at again later, so that a failure is none of the start's.
      const looked =
        keeper.opened && kept.look(signal).catch((error: unknown) => log.debug('rows not looked at', { error: describe(error) }));
      await Promise.race([looked, sleep(LOOK_MS, undefined, { ref: false })]);
    },
    stop: () => keeper.stop(),
    query: logQuery(reads, host),
    follow: storeFollow({ ...store, host, log, options }),
    stats: storeStats({ ...store, log }),
    volume: ({ signal }) => volumeOf(reads, kept.look(signal), signal),
    async probe(signal) {
      const opened = keeper.now();
      const found = await probeStore(opened.session, opened.store, options, signal);
      if (!found.ok) return found;
      const newest = await kept.look(signal);
      const otherwise = rowKeptText(kept.seen, options.keep);
      const detail = otherwise ? `${found.detail}, ${otherwise}` : found.detail;
      return { ok: true, detail, ...(newest && { newest: newest.time }) };
    },
    schema: schemaFacet(options, { host, log }),
    retention: storeRetention(options, () => keeper.opened, kept),
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
