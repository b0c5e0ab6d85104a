import { type DataType, type Log, type Page, type PageRequest, RequestError, type Services, type SourceReport } from '../contract/index.ts';
import type { AgentEmitter } from '../telemetry/events.ts';
import { Circuits } from './circuit.ts';
import { encodeCursor, type Place } from './cursor.ts';
import { Clock } from './deadline.ts';
import { Inquiry } from './inquiry.ts';
import type { Member } from './member.ts';
import { merge } from './merge.ts';
import { type PageQuery, readRequest } from './request.ts';
import { BrokenRule, Row } from './row.ts';
import { noSource, select } from './select.ts';
import { Stream } from './stream.ts';

export interface QueryEngineOptions {
  /** The configured sources as they are now, in the order of the configuration. */
  members(): readonly Member[];
  /** Milliseconds that a request waits for one source, all its answers together. */
  readonly deadline: number;
  /** What others that ask the sources know of them as well. */
  readonly circuits?: Circuits;
  readonly events: AgentEmitter;
  readonly log: Log;
}

/**
 * Answers queries over all sources of a type.
 *
 * A page holds the first `limit` entries of the merged order. A source that fails, or takes too long, does so for itself:
 * what was taken from it before stays, its report carries the error and a `retry` cursor for all its entries between the
 * beginning and the end of this page, those that the page has already included. The next page asks it again.
 */
export function createQueryEngine(options: QueryEngineOptions): Pick<Services, 'query' | 'latest'> {
  /** The last error of each source, so that the log tells a failure once and not once for each request. */
  const failing = new Map<string, string>();
  const { deadline, log, circuits = new Circuits() } = options;

  /** Runs one request over its sources, and closes all that it opened. */
  async function ask(type: DataType, members: readonly Member[], signal: AbortSignal, work: Work): Promise<Page> {
    signal.throwIfAborted();
    if (members.length === 0) return { entries: [], sources: [], notes: [noSource(type)] };
    const began = performance.now();
    const clock = new Clock(deadline);
    const inquiries = members.map((member) => new Inquiry(member, { clock, deadline, circuits, log }));
    let answered = false;
    const abort = () => {
      for (const inquiry of inquiries) inquiry.stop(signal.reason);
    };
    signal.addEventListener('abort', abort);
    try {
      const { rows, ...answer } = await work(inquiries);
      signal.throwIfAborted();
      answered = true;
      const sources = inquiries.map((inquiry) => inquiry.report(answer.retry));
      const own = answer.note === undefined ? [] : [answer.note];
      const notes = [...new Set([...inquiries.flatMap((inquiry) => inquiry.notes()), ...own, ...partial(sources)])];
      publish(type, inquiries, sources, rows.length, performance.now() - began);
      return { entries: rows, ...(answer.next !== undefined && { next: answer.next }), sources, notes };
    } finally {
      signal.removeEventListener('abort', abort);
      for (const inquiry of inquiries) {
        inquiry.leave(answered);
        inquiry.stop();
      }
      clock.close();
    }
  }

  function publish(type: DataType, asked: readonly Inquiry[], sources: readonly SourceReport[], rows: number, tookMs: number): void {
    const failed = sources.filter((source) => source.status !== 'ok').length;
    for (const [index, report] of sources.entries()) if (!asked[index]?.notAsked) tell(report);
    options.events.emit('query', { type, status: failed === 0 ? 'ok' : failed < sources.length ? 'partial' : 'failed', rows, tookMs });
  }

  function tell({ name, status, count, tookMs, error }: SourceReport): void {
    options.events.emit('source', { source: name, status, rows: count, tookMs });
    if (error === undefined) {
      if (failing.delete(name)) log.info('a source answers again', { source: name });
    } else if (failing.get(name) !== error) {
      failing.set(name, error);
      log.warn('a source did not answer a query', { source: name, status, error });
    }
  }

  return {
    async query(type: DataType, request: PageRequest, signal: AbortSignal): Promise<Page> {
      const query = readRequest(type, request);
      const members = select(options.members(), type, request.sources);
      return ask(type, owing(members, query.place), signal, (inquiries) => answerQuery(type, query, inquiries));
    },

    async latest(type, request, signal): Promise<Page> {
      const members = select(options.members(), type, request.sources);
      // Sources that hold history only are left out, unless somebody asks for them by name.
      const telling = request.sources?.length ? members : members.filter((member) => !member.source || member.source.latest);
      return ask(type, telling.length > 0 ? telling : members, signal, (inquiries) => answerLatest(type, inquiries));
    },
  };
}

interface Answer {
  readonly rows: readonly Row[];
  readonly note?: string;
  readonly next?: string;
  retry(source: string): string | undefined;
}

type Work = (inquiries: readonly Inquiry[]) => Promise<Answer>;

/** A retry cursor is about one source. */
function owing(members: readonly Member[], { source }: Place): readonly Member[] {
  if (source === undefined) return members;
  const owed = members.filter((member) => member.name === source);
  if (owed.length === 0) throw new RequestError('cursor', `the source ${JSON.stringify(source)} of this cursor is not configured any more`);
  return owed;
}

async function answerQuery(type: DataType, query: PageQuery, inquiries: readonly Inquiry[]): Promise<Answer> {
  const { order, where, limit, place, identity } = query;
  const wanted = { from: place.from, to: place.to, order, where, ...(place.after && { after: place.after }), until: place.until };
  const streams: Stream[] = [];
  for (const inquiry of inquiries) {
    const { source, error = 'it is not running' } = inquiry.member;
    if (source?.query) {
      if (admitted(inquiry)) streams.push(new Stream(inquiry, type, source.query, wanted, limit + 1));
    } else inquiry.fail(source ? 'it cannot be queried: its plugin has no query facet' : error);
  }
  try {
    const { rows, more, cut } = await merge(streams, order, limit);
    countRows(rows, inquiries);
    const end = more ? rows.at(-1) : undefined;
    const last = end && { time: end.time, id: end.id };
    const cursor = (to: Partial<Place>) => encodeCursor(identity, { ...place, ...to });
    return {
      rows,
      ...(cut && { note: `the rows are large, so that there are ${rows.length} in this answer and not ${limit}; go on with the cursor` }),
      ...(last && { next: cursor({ after: last }) }),
      retry: (source) => cursor({ source, until: last ?? place.until }),
    };
  } finally {
    for (const stream of streams) stream.close();
  }
}

/** Whether the source may be asked; its report says why not. */
function admitted(inquiry: Inquiry): boolean {
  try {
    inquiry.enter();
    return true;
  } catch (error) {
    inquiry.fail(error);
    return false;
  }
}

async function answerLatest(type: DataType, inquiries: readonly Inquiry[]): Promise<Answer> {
  const answers = await Promise.all(inquiries.map((inquiry) => latestOf(type, inquiry)));
  const rows = answers.flat();
  countRows(rows, inquiries);
  return { rows, retry: () => undefined };
}

async function latestOf(type: DataType, inquiry: Inquiry): Promise<Row[]> {
  const { member, run, allowance } = inquiry;
  const { source, error = 'it is not running' } = member;
  try {
    if (!source) throw new Error(error);
    if (!source.latest) throw new Error('it tells no present state: its plugin has no latest facet');
    inquiry.enter();
    const drafts = await allowance.wait(async () => source.latest?.(run));
    if (!Array.isArray(drafts)) throw new BrokenRule('latest() resolves to a list of entries', drafts);
    return drafts.map((draft) => new Row(type, member.name, draft).check());
  } catch (error) {
    inquiry.fail(error);
    return [];
  }
}

function countRows(rows: readonly Row[], inquiries: readonly Inquiry[]): void {
  const counts = new Map<string, number>();
  for (const { source } of rows) counts.set(source, (counts.get(source) ?? 0) + 1);
  for (const inquiry of inquiries) inquiry.count = counts.get(inquiry.member.name) ?? 0;
}

/** What to tell when sources failed. */
export function partial(sources: readonly SourceReport[]): string[] {
  const failed = sources.filter((source) => source.status !== 'ok');
  if (failed.length === 0) return [];
  const reasons = failed.map(({ name, error }) => `${name}: ${error}`).join('; ');
  return [failed.length < sources.length ? `the answer is partial: ${reasons}` : `no source could answer: ${reasons}`];
}
