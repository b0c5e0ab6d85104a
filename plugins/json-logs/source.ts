import { setTimeout as sleep } from 'node:timers/promises';
import { describe, type Source, type SourceContext } from '../../core/contract/index.ts';
import { Indexes } from './blocks.ts';
import { Catalogue } from './catalogue.ts';
import { volumeOf } from './extent.ts';
import { openFollowing } from './follow.ts';
import { Handles } from './handles.ts';
import type { Options } from './options.ts';
import { splitPatterns } from './patterns.ts';
import { probeFiles } from './probe.ts';
import { planQuery, runQuery, type Shelf } from './query.ts';
import { fileRetention } from './retention.ts';
import { Wake } from './wake.ts';

/** The background reads this much at a time, and pauses this long in between. */
const SIP = 4 * 1024 * 1024;
const PAUSE_MS = 5;
const WARM_EVERY_MS = 15_000;

export function createJsonLogs(context: SourceContext<Options>) {
  const { options, host, log } = context;
  const ended = new AbortController();
  const life = AbortSignal.any([context.signal, ended.signal]);
  const patterns = splitPatterns(options.paths);
  const settings = { fields: options.time_field, maxLine: options.max_line };
  const catalogue = new Catalogue({ patterns, host, ...settings }, life);
  const shelf: Shelf = { catalogue, indexes: new Indexes(settings), settings, patterns };
  const wake = new Wake(patterns, (file) => catalogue.isKnown(file), log);
  let warming: Promise<void> = Promise.resolve();

  return {
    type: 'logs',
    label: options.label,
    async start() {
      warming = keepWarm(shelf, life, (error) => log.debug('the index could not be extended', { error: describe(error) }));
    },
    async stop() {
      ended.abort();
      await warming;
    },
    query: { plan: planQuery, run: (query, run) => runQuery(shelf, query, run) },
    follow: {
      replay: 'exact',
      open: (request, signal) =>
        openFollowing({ catalogue, wake, log, settings, poll: options.poll }, request, AbortSignal.any([signal, life])),
    },
    probe: (signal) => probeFiles(shelf, signal),
    volume: ({ signal }) => volumeOf(shelf, signal),
    retention: fileRetention(shelf, options.keep, log),
  } satisfies Source;
}

/** Keeps the indexes near the end of the files, so that a query need not read what was written before it. */
async function keepWarm(shelf: Shelf, signal: AbortSignal, failed: (error: unknown) => void): Promise<void> {
  while (!signal.aborted) {
    try {
      await warm(shelf, signal);
    } catch (error) {
      if (!signal.aborted) failed(error);
    }
    await pause(WARM_EVERY_MS, signal);
  }
}

async function warm(shelf: Shelf, signal: AbortSignal): Promise<void> {
  const { lanes } = await shelf.catalogue.refresh(signal);
  shelf.indexes.prune(lanes);
  for (const lane of [...lanes].reverse()) {
    const handles = new Handles(shelf.catalogue, signal);
    try {
      while (!(await shelf.indexes.extend(lane, (again) => handles.get(lane, again), signal, SIP))) await pause(PAUSE_MS, signal);
    } finally {
      await handles.close();
    }
  }
}

/** Neither rejects when the signal aborts, nor keeps the process from ending. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
}
