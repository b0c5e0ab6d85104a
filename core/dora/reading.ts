import { type Condition, type Micros, type Page, RequestError, type Services, type SourceReport } from '../contract/index.ts';
import { comparePoints } from '../query/point.ts';
import type { History } from './observations.ts';
import { type DoraRow, doraRow } from './row.ts';
import type { roles } from './vocabulary.ts';

const PAGE = 10_000;
/** Of those that are kept; about 400 MB. */
const MOST_ROWS = 1_000_000;
/** Of all; about a minute and 80 MB. */
const MOST_TIMES = 10_000_000;

interface Asked {
  readonly query: Services['query'];
  readonly roleOf: ReturnType<typeof roles>;
  readonly sources: readonly string[] | undefined;
  readonly signal: AbortSignal;
}

interface Range {
  readonly from?: Micros;
  readonly to?: Micros;
}

interface Extent {
  readonly where?: readonly Condition[];
  /** Which rows to keep. Default: all. */
  readonly related?: (row: DoraRow) => boolean;
}

/**
 * Reads rows page by page for one report, and keeps of them what the four keys can need. A source that fails is asked no
 * further: its report says so, and so does a note.
 */
export class Reading implements History {
  readonly times: Micros[] = [];
  /** Rows without `phase_name`, by source. */
  readonly left = new Map<string, number>();
  readonly notes = new Set<string>();
  readonly #asked: Asked;
  /** By id, as ranges that are read by conditions overlap. */
  readonly #rows = new Map<string, DoraRow>();
  /** By feature, of the rows that say nothing but that it began. */
  readonly #first = new Map<string, DoraRow>();
  readonly #reports = new Map<string, SourceReport>();

  constructor(asked: Asked) {
    this.#asked = asked;
  }

  get rows(): DoraRow[] {
    return [...this.#rows.values(), ...this.#first.values()];
  }

  /** How each source took part, over all pages. */
  get sources(): SourceReport[] {
    return [...this.#reports.values()];
  }

  /** Reads a range, a page a step; a reader may stop before it ends. */
  async *pages(range: Range, { where = [], related }: Extent = {}): AsyncGenerator<void, void> {
    const { query, signal } = this.#asked;
    let { to } = range;
    let before: { readonly sources: readonly string[]; readonly next: string } | undefined;
    for (;;) {
      const sources = this.#healthy();
      if (!sources) return;
      // A cursor belongs to its sources; without those that failed since, reading begins anew at the last row's time.
      const cursor = before?.sources.length === sources.length ? before.next : undefined;
      const place = cursor === undefined ? { ...range, ...(to !== undefined && { to }) } : { cursor };
      const page = await query('metrics', { ...place, where, limit: PAGE, sources }, signal);
      this.#take(page, related);
      if (page.next === undefined) return;
      before = { sources, next: page.next };
      to = (page.entries.at(-1)?.time ?? 0) + 1;
      yield;
    }
  }

  /** The sources to ask: all that were meant while none failed; `undefined` when no other is left. */
  #healthy(): readonly string[] | undefined {
    const healthy = this.sources.filter(({ status }) => status === 'ok').map(({ name }) => name);
    if (healthy.length === this.#reports.size) return this.#asked.sources ?? [];
    return healthy.length > 0 ? healthy : undefined;
  }

  #take(page: Page, related: Extent['related']): void {
    for (const entry of page.entries) {
      const row = doraRow(entry, this.#asked.roleOf);
      if (row && (!related || related(row))) this.#keep(row);
      if (!row) this.left.set(entry.source, (this.left.get(entry.source) ?? 0) + 1);
    }
    if (this.#rows.size + this.#first.size > MOST_ROWS || this.times.length > MOST_TIMES) {
      throw new RequestError('from', 'this window rests on too many rows to be held at once; ask for a shorter one, or for one source');
    }
    for (const note of page.notes) this.notes.add(note);
    for (const report of page.sources) this.#reports.set(report.name, added(report, this.#reports.get(report.name)));
  }

  #keep(row: DoraRow): void {
    this.times.push(row.time);
    const { feature } = row;
    if (row.deployed || row.failing || row.recovered || row.unknown !== undefined) this.#rows.set(row.id, row);
    else if (feature !== undefined) {
      const first = this.#first.get(feature);
      if (!first || comparePoints('oldest', row, first) < 0) this.#first.set(feature, row);
    }
  }
}

/** Its `retry` is left out, since it would fetch rows and no figures. A failure stays one. */
function added({ retry: _, ...report }: SourceReport, before: SourceReport | undefined): SourceReport {
  const skipped = (report.skipped ?? 0) + (before?.skipped ?? 0);
  return {
    ...(before && before.status !== 'ok' ? before : report),
    count: report.count + (before?.count ?? 0),
    duplicates: report.duplicates + (before?.duplicates ?? 0),
    tookMs: report.tookMs + (before?.tookMs ?? 0),
    ...(skipped > 0 && { skipped }),
  };
}
