import { randomBytes } from 'node:crypto';
import type { types } from 'cassandra-driver';
import type { Context, Entry, Sink } from '../../core/contract/index.ts';
import { StoreKeeper } from '../cassandra/keeper.ts';
import { keepSeconds } from '../cassandra/options.ts';
import { Pace } from '../cassandra/pace.ts';
import { probeStore } from '../cassandra/probe.ts';
import { storedOf } from '../cassandra/row.ts';
import { openStore } from '../cassandra/schema.ts';
import { writeLines } from '../cassandra/write-lines.ts';
import type { Options } from './options.ts';

const CONSISTENCIES = {
  local_one: 'localOne',
  local_quorum: 'localQuorum',
  each_quorum: 'eachQuorum',
  quorum: 'quorum',
  all: 'all',
} as const satisfies Record<Options['consistency'], keyof typeof types.consistencies>;

export function createCassandraWriter({ id, host, options, log }: Context<Options>) {
  const keeper = new StoreKeeper(options.hosts, (signal) => openStore(options, { create: options.create, host, log }, signal), log);
  const pace = new Pace(options.concurrency);
  const keep = keepSeconds(options);
  // Another one with each start: a clock that was ahead before, and is not now, hides no touch.
  const writer = `${host}/${id}/${randomBytes(4).toString('hex')}`;
  let expired = 0;

  function tellExpired(count: number): void {
    if (count === 0) return;
    if (expired === 0) log.warn('lines are older than they are to be kept, and are not written', { keep_seconds: keep });
    expired += count;
  }

  return {
    start: (signal) => keeper.start(signal),
    async stop() {
      if (expired > 0) log.info('lines that were too old to be written', { count: expired });
      await keeper.stop();
    },
    async write(entries: readonly Entry[], signal: AbortSignal) {
      const opened = keeper.now();
      const rows = entries.map((entry) => storedOf(entry, options.service ?? entry.source, host));
      const consistency = opened.session.driver.types.consistencies[CONSISTENCIES[options.consistency]];
      const way = { consistency, pace, timeout: options.timeout, log };
      const written = await writeLines(opened, rows, { writer, keep, ...way }, signal);
      tellExpired(written.expired);
      return written.rejected;
    },
    async probe(signal) {
      const { session, store } = keeper.now();
      return probeStore(session, store, options, signal);
    },
  } satisfies Sink;
}
