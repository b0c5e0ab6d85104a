import { type Log, quantileOf, type Services, type SourceReport, type StatsQuery, type StatsRow } from '../contract/index.ts';
import { Circuits } from './circuit.ts';
import { Clock } from './deadline.ts';
import { partial } from './engine.ts';
import { forSource, repeats } from './groups.ts';
import { Inquiry } from './inquiry.ts';
import type { Member } from './member.ts';
import { noSource, select } from './select.ts';
import { fromEntries } from './stats-entries.ts';
import { fromSource } from './stats-facet.ts';
import { readStats } from './stats-request.ts';

export interface StatsOptions {
  members(): readonly Member[];
  /** Milliseconds that a request waits for one source, for each page of its entries. */
  readonly deadline: number;
  readonly query: Services['query'];
  /** What others that ask the sources know of them as well. */
  readonly circuits?: Circuits;
  readonly log: Log;
}

/**
 * Counts and measures over all sources of a type: in the source itself when its facet promises to, else from its entries, page
 * by page. A source that fails takes no part in the answer, not even by half, and its report says why.
 */
export function createStats(given: StatsOptions): Services['stats'] {
  const options = { circuits: new Circuits(), ...given };
  return async (type, request, signal) => {
    signal.throwIfAborted();
    const { query, limit } = readStats(request);
    const selected = select(options.members(), type, request.sources);
    if (selected.length === 0) return { rows: [], truncated: false, sources: [], notes: [noSource(type)] };
    const members = request.sources?.length ? selected : originals(selected);
    const notes = new Set(leftOut(selected, members));
    const pushed = await askSources(options, members, query, signal, notes);
    const rest = members.filter(({ name }) => !pushed.reports.has(name)).map(({ name }) => name);
    const counted = await fromEntries(options.query, type, query, rest, signal);
    for (const row of pushed.rows) counted.groups.merge(row);
    for (const note of counted.notes) notes.add(note);
    const sources = members.flatMap(({ name }) => pushed.reports.get(name) ?? counted.reports.get(name) ?? []);
    for (const note of partial(sources)) notes.add(note);
    return { ...counted.groups.rows(limit), sources, notes: [...notes] };
  };
}

/** A mirror holds what others hold as well, and would be counted twice; alone, it counts. */
function originals(members: readonly Member[]): readonly Member[] {
  const own = members.filter(({ mirror }) => !mirror);
  return own.length > 0 ? own : members;
}

function leftOut(selected: readonly Member[], members: readonly Member[]): string[] {
  const names = selected.filter((member) => !members.includes(member)).map(({ name }) => name);
  return names.length > 0 ? [`left out, because they hold copies of what others hold: ${names.join(', ')}; name a source to count it`] : [];
}

interface Pushed {
  readonly rows: readonly StatsRow[];
  /** Of the sources that answered or failed; the others are to be counted from their entries. */
  readonly reports: ReadonlyMap<string, SourceReport>;
}

/** Asks each source that can count by itself, side by side. */
async function askSources(
  { deadline, log, circuits }: StatsOptions & { readonly circuits: Circuits },
  members: readonly Member[],
  query: StatsQuery,
  signal: AbortSignal,
  notes: Set<string>,
): Promise<Pushed> {
  if (!addsUp(members, query)) return { rows: [], reports: new Map() };
  const asked = forSource(query);
  const clock = new Clock(deadline);
  const inquiries = members.filter(({ source }) => source?.stats).map((member) => new Inquiry(member, { clock, deadline, circuits, log }));
  const abort = () => {
    for (const inquiry of inquiries) inquiry.stop(signal.reason);
  };
  signal.addEventListener('abort', abort);
  try {
    const answers = await Promise.all(inquiries.map((inquiry) => fromSource(inquiry, asked)));
    signal.throwIfAborted();
    const rows: StatsRow[] = [];
    const reports = new Map<string, SourceReport>();
    for (const [index, inquiry] of inquiries.entries()) {
      const answer = answers[index];
      inquiry.leave(inquiry.failed || answer !== undefined);
      if (!inquiry.failed && (!answer || (hasQuantiles(query) && repeats(query, answer)))) continue;
      for (const row of answer ?? []) {
        rows.push(row);
        inquiry.count += row.count;
      }
      for (const note of inquiry.notes()) notes.add(note);
      reports.set(
        inquiry.member.name,
        inquiry.report(() => undefined),
      );
    }
    return { rows, reports };
  } finally {
    signal.removeEventListener('abort', abort);
    for (const inquiry of inquiries) {
      inquiry.leave(false);
      inquiry.stop();
    }
    clock.close();
  }
}

/** Whether what several sources count can be added up: no quantiles, and nothing that two of them hold. */
function addsUp(members: readonly Member[], query: StatsQuery): boolean {
  return members.length === 1 || !(hasQuantiles(query) || members.some(({ mirror }) => mirror));
}

function hasQuantiles({ measures }: StatsQuery): boolean {
  return measures.some(({ fn }) => quantileOf(fn));
}
