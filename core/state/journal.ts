import { setImmediate as breathe } from 'node:timers/promises';
import type { Draft, FollowFacet, Micros, Plan, Point, Query, QueryFacet, Run, Volume } from '../contract/index.ts';
import { journalFollow } from './journal-follow.ts';
import { type Database, type SqlValue, transaction } from './sqlite.ts';
import type { Writer } from './writer.ts';

/** What a source received, kept durably, in the order of its arrival and by time. */
export interface Journal {
  /** Durable when it resolves, a power failure included. A draft whose id is there already changes nothing. */
  append(drafts: readonly Draft[]): Promise<void>;
  readonly query: QueryFacet;
  readonly follow: FollowFacet;
  /** Deletes what is older; resolves to how many. A follower that has not read it yet is told of the loss. */
  prune(before: Micros): Promise<number>;
  /** How many {@link prune} would delete. */
  count(before: Micros): Promise<number>;
  volume(): Promise<Volume>;
}

const PAGE = 500;
const PRUNED_AT_ONCE = 2000;
const ID = /^[\x21-\x7e]{1,96}$/;

export function createJournal(database: Database, writer: Writer, source: string): Journal {
  const insert = database.prepare('INSERT INTO journal (source, id, time, json, origin) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING');
  const oldest = database.prepare('SELECT seq FROM journal WHERE source = ? AND time < ? ORDER BY time LIMIT ?');
  const older = database.prepare('SELECT count(*) AS count FROM journal WHERE source = ? AND time < ?');
  const extent = database.prepare('SELECT count(*) AS entries, min(time) AS oldest, max(time) AS newest FROM journal WHERE source = ?');
  const remove = database.prepare('DELETE FROM journal WHERE seq = ?');
  const raise = database.prepare(
    'INSERT INTO journal_floor (source, seq) VALUES (?, ?) ON CONFLICT DO UPDATE SET seq = max(seq, excluded.seq)',
  );
  const waiting = new Set<() => void>();

  return {
    query: journalQuery(database, source),
    follow: journalFollow(database, source, waiting),
    async append(drafts) {
      // Read at once: the caller may reuse what it handed over.
      const rows = drafts.map((draft): SqlValue[] => [source, checkedId(draft), checkedTime(draft), draft.json, draft.origin ?? null]);
      await writer.write(() => {
        for (const row of rows) insert.run(...row);
      });
      for (const wake of waiting) wake();
    },
    async prune(before) {
      let count = 0;
      while (!writer.closed) {
        const gone = transaction(database, () => {
          const rows = oldest.all(source, before, PRUNED_AT_ONCE).map(({ seq }) => Number(seq));
          for (const seq of rows) remove.run(seq);
          if (rows.length > 0) raise.run(source, Math.max(...rows));
          return rows.length;
        });
        count += gone;
        if (gone < PRUNED_AT_ONCE) break;
        await breathe();
      }
      return count;
    },
    count: async (before) => Number(older.get(source, before)?.['count'] ?? 0),
    async volume() {
      const { entries, oldest, newest } = extent.get(source) as { entries: number; oldest: number | null; newest: number | null };
      return { entries, ...(oldest !== null && { oldest }), ...(newest !== null && { newest }) };
    },
  };
}

function journalQuery(database: Database, source: string): QueryFacet {
  const select = (beyond: '<' | '>', direction: 'DESC' | 'ASC') =>
    database.prepare(
      `SELECT id, time, json, origin FROM journal WHERE source = ? AND time >= ? AND time < ? AND (time, id) ${beyond} (?, ?)
       ORDER BY time ${direction}, id ${direction} LIMIT ?`,
    );
  const newest = select('<', 'DESC');
  const oldest = select('>', 'ASC');

  function page({ order, from, to }: Query, after: Point | undefined, limit: number): Draft[] {
    // The index finds the range by time alone, so the range begins at the point: a deep page costs what the first one does.
    if (order === 'newest') {
      const point = after ?? { time: Number.POSITIVE_INFINITY, id: '' };
      return newest.all(source, from, Math.min(to, point.time + 1), point.time, point.id, limit).map(toDraft);
    }
    const point = after ?? { time: Number.NEGATIVE_INFINITY, id: '' };
    return oldest.all(source, Math.max(from, point.time), to, point.time, point.id, limit).map(toDraft);
  }

  return {
    plan: ({ where }: Query): Plan => ({ where: where.map(() => 'unsupported'), order: 'exact', range: true, seeks: true }),
    async *run(query: Query, { signal }: Run) {
      let { after } = query;
      for (let left = query.limit ?? Number.POSITIVE_INFINITY; left > 0; left -= PAGE) {
        signal.throwIfAborted();
        const wanted = Math.min(PAGE, left);
        const drafts = page(query, after, wanted);
        if (drafts.length > 0) yield drafts;
        if (drafts.length < wanted) return;
        after = drafts.at(-1);
      }
    },
  };
}

export function toDraft(row: Record<string, SqlValue>): Draft {
  const { id, time, json, origin } = row as { id: string; time: number; json: string; origin: string | null };
  return { id, time, json, ...(origin !== null && { origin }) };
}

function checkedId({ id }: Draft): string {
  if (!ID.test(id)) throw new TypeError(`the id ${JSON.stringify(id)} of a draft is not 1 to 96 bytes of printable ASCII without spaces`);
  return id;
}

function checkedTime({ id, time }: Draft): Micros {
  if (!Number.isSafeInteger(time)) throw new TypeError(`the time ${time} of the draft ${id} is no whole number of microseconds`);
  return time;
}
