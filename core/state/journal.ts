import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Draft,
  type FollowFacet,
  type Micros,
  oneLane,
  type Plan,
  type Query,
  type QueryFacet,
  type Step,
} from '../contract/index.ts';
import type { Database, SqlValue } from './sqlite.ts';

/** What a source received, kept durably, in the order of its arrival and by time. */
export interface Journal {
  /** Durable when it resolves. A draft whose id is there already changes nothing. */
  append(drafts: readonly Draft[]): Promise<void>;
  readonly query: QueryFacet;
  readonly follow: FollowFacet;
  /** Deletes what is older; resolves to how many. */
  prune(before: Micros): Promise<number>;
}

const PAGE = 500;
/** Another process may append; within this one a reader is woken at once. */
const POLL_MS = 2000;

export function createJournal(database: Database, source: string): Journal {
  const insert = database.prepare('INSERT INTO journal (source, id, time, json, origin) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING');
  const behind = database.prepare('SELECT seq, id, time, json, origin FROM journal WHERE source = ? AND seq > ? ORDER BY seq LIMIT ?');
  const newest = database.prepare('SELECT max(seq) AS seq FROM journal WHERE source = ?');
  const remove = database.prepare('DELETE FROM journal WHERE source = ? AND time < ?');
  const selects = new Map<string, ReturnType<Database['prepare']>>();
  const waiting = new Set<() => void>();

  function select(order: Query['order']) {
    const known = selects.get(order);
    if (known) return known;
    const [beyond, direction] = order === 'newest' ? ['<', 'DESC'] : ['>', 'ASC'];
    const sql = `SELECT id, time, json, origin FROM journal WHERE source = ? AND time >= ? AND time < ? AND (time, id) ${beyond} (?, ?) ORDER BY time ${direction}, id ${direction} LIMIT ?`;
    const made = database.prepare(sql);
    selects.set(order, made);
    return made;
  }

  const query: QueryFacet = {
    plan: ({ where }: Query): Plan => ({ where: where.map(() => 'unsupported'), order: 'exact', range: true, seeks: true }),
    async *run({ order, from, to, after, limit = Number.POSITIVE_INFINITY }, { signal }) {
      let point =
        after ?? (order === 'newest' ? { time: Number.MAX_SAFE_INTEGER, id: '\u{10ffff}' } : { time: Number.MIN_SAFE_INTEGER, id: '' });
      for (let left = limit; left > 0 && !signal.aborted; ) {
        const drafts = select(order).all(source, from, to, point.time, point.id, Math.min(PAGE, left)).map(toDraft);
        yield drafts;
        const last = drafts.at(-1);
        if (!last || drafts.length < PAGE) return;
        point = { time: last.time, id: last.id };
        left -= drafts.length;
      }
    },
  };

  const follow = oneLane({
    replay: 'exact',
    end: async () => String(newest.get(source)?.['seq'] ?? ''),
    async *read(after, signal) {
      let seq = Number(after || 0);
      while (!signal.aborted) {
        const steps = behind.all(source, seq, PAGE).map((row): Step => ({ entry: toDraft(row), cursor: String(row['seq']) }));
        seq = Number(steps.at(-1)?.cursor ?? seq);
        if (steps.length > 0) yield steps;
        else await woken(waiting, signal);
      }
    },
  });

  return {
    query,
    follow,
    async append(drafts) {
      database.exec('BEGIN IMMEDIATE');
      try {
        for (const { id, time, json, origin } of drafts) insert.run(source, id, time, json, origin ?? null);
        database.exec('COMMIT');
      } catch (error) {
        database.exec('ROLLBACK');
        throw error;
      }
      for (const wake of waiting) wake();
    },
    prune: async (before) => Number(remove.run(source, before).changes),
  };
}

async function woken(waiting: Set<() => void>, signal: AbortSignal): Promise<void> {
  const timer = new AbortController();
  let wake: () => void = () => undefined;
  const appended = new Promise<void>((resolve) => {
    wake = resolve;
  });
  waiting.add(wake);
  try {
    await Promise.race([appended, sleep(POLL_MS, undefined, { signal: AbortSignal.any([signal, timer.signal]) }).catch(() => undefined)]);
  } finally {
    waiting.delete(wake);
    timer.abort();
  }
}

function toDraft(row: Record<string, SqlValue>): Draft {
  const { id, time, json, origin } = row as { id: string; time: number; json: string; origin: string | null };
  return { id, time, json, ...(origin !== null && { origin }) };
}
