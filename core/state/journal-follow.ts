import { type Batch, batchOf, type Cursor, type FollowFacet, type Lost, RequestError, type Step } from '../contract/index.ts';
import { toDraft } from './journal.ts';
import type { Database } from './sqlite.ts';

const PAGE = 500;
/** Another process may append; within this one a reader is woken at once. */
const POLL_MS = 2000;

/** One lane in the order of arrival; a cursor is the number of an entry. `waiting` holds what to call after an append. */
export function journalFollow(database: Database, source: string, waiting: Set<() => void>): FollowFacet {
  const behind = database.prepare(
    'SELECT seq, id, time, json, origin FROM journal WHERE source = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?',
  );
  const newest = database.prepare('SELECT max(seq) AS seq FROM journal WHERE source = ?');
  const given = database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'journal'");
  const floors = database.prepare("SELECT source, seq FROM journal_floor WHERE source IN (?, '') ORDER BY seq DESC");

  /** What stood behind `seq` and is gone; entries before the first cursor of a reader are none of its business. */
  function lostBehind(seq: number): { floor: number; lost: Lost } | undefined {
    const floor = floors.all(source).find((row) => Number(row['seq']) > seq);
    if (!floor || seq === 0) return undefined;
    const reason =
      floor['source'] === ''
        ? 'the state file was begun anew, and older entries are gone with it'
        : 'retention removed entries before they were read';
    return { floor: Number(floor['seq']), lost: { lane: '', reason } };
  }

  async function* read(after: number, until: number, told: number, signal: AbortSignal): AsyncIterable<Batch> {
    let seq = after;
    let toldOf = told;
    while (!signal.aborted) {
      const gone = lostBehind(seq);
      const steps = behind.all(source, seq, until, PAGE).map((row): Step => ({ entry: toDraft(row), cursor: String(row['seq']) }));
      if (steps.length > 0) {
        seq = Number(steps.at(-1)?.cursor);
        const news = gone && gone.floor > toldOf;
        if (news) toldOf = gone.floor;
        yield { ...batchOf('', steps), ...(news && { lost: gone.lost }) };
      } else if (until !== Number.MAX_SAFE_INTEGER) {
        return;
      } else {
        await appended(waiting, signal);
      }
    }
  }

  return {
    replay: 'exact',
    async open({ after, until }, signal) {
      const end = (): Cursor => String(newest.get(source)?.['seq'] ?? '');
      const asked = after === 'end' ? end() : after === 'beginning' ? '' : (after[''] ?? '');
      const last = Number(given.get()?.['seq'] ?? 0);
      const ahead = numberOf(asked) > last;
      const start = ahead ? String(last) : asked;
      const gone = lostBehind(numberOf(start));
      const lost: Lost[] = ahead
        ? [{ lane: '', reason: 'the position is ahead of this journal, whose state file was replaced by an older one' }]
        : gone
          ? [gone.lost]
          : [];
      const stop = until ? numberOf(until[''] ?? '') : Number.MAX_SAFE_INTEGER;
      return { start: { '': start }, lost, batches: read(numberOf(start), stop, gone?.floor ?? 0, signal) };
    },
  };
}

function numberOf(cursor: Cursor): number {
  if (!/^\d{0,16}$/.test(cursor))
    throw new RequestError('after', `${JSON.stringify(cursor)} is no cursor of a journal; take one from an entry or a hello`);
  return Number(cursor);
}

/** Resolves after an append, when another process may have appended, or when the signal aborts. */
function appended(waiting: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      waiting.delete(done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, POLL_MS);
    waiting.add(done);
    signal.addEventListener('abort', done, { once: true });
  });
}
