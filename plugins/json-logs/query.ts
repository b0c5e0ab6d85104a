import { type Draft, describe, type Plan, type Query, RetryableError, type Run } from '../../core/contract/index.ts';
import { BlockReader, type Remarks } from './block-reader.ts';
import { type Block, coarse, type Indexes, type IndexSettings } from './blocks.ts';
import type { Catalogue } from './catalogue.ts';
import type { Lane, Snapshot } from './files.ts';
import { Handles } from './handles.ts';
import type { LineDraft } from './line.ts';
import { ordering, Shortlist } from './shortlist.ts';
import { Skipped } from './skipped.ts';

const BATCH = 500;
const BATCH_CHARS = 1024 * 1024;
const HELD = { count: 100_000, chars: 64 * 1024 * 1024 };
/** Reading backwards in a gzip file inflates it from its start for each block, so blocks are larger there. */
const GZIP_BLOCK = 8 * 1024 * 1024;

const MALFORMED: [string, string] = ['malformed line skipped', 'malformed lines skipped'];
const MENDED: [string, string] = ['line with bad UTF-8', 'lines with bad UTF-8'];

/** What queries share. */
export interface Shelf {
  readonly catalogue: Catalogue;
  readonly indexes: Indexes;
  readonly settings: IndexSettings;
  readonly patterns: readonly string[];
}

interface Candidate {
  readonly lane: Lane;
  readonly block: Block;
}

export function planQuery(query: Query): Plan {
  return { where: query.where.map(() => 'unsupported' as const), order: 'exact', range: true, seeks: true };
}

export async function* runQuery(shelf: Shelf, query: Query, run: Run): AsyncIterable<readonly Draft[]> {
  const snapshot = await shelf.catalogue.refresh(run.signal);
  remarkFiles(shelf, snapshot, run);
  const search = new Search(shelf, query, run);
  try {
    yield* search.run(snapshot.lanes);
  } finally {
    await search.close();
  }
}

function remarkFiles(shelf: Shelf, { lanes, pending, problems }: Snapshot, run: Run): void {
  const [first] = problems;
  const reasons = problems.map(({ path, reason }) => `cannot read ${path}: ${reason}`);
  if (first && lanes.length === 0 && pending.length === 0) {
    throw new RetryableError(`no file can be read; ${reasons[0]}; give the agent's user the right to read it`, { code: 'ERR_UNREADABLE' });
  }
  for (const [index, reason] of reasons.entries()) run.note(`unreadable:${problems[index]?.path}`, reason);
  if (lanes.length === 0 && pending.length === 0) run.note('no-file', `no file matches ${shelf.patterns.join(', ')}`);
  for (const file of pending) {
    const { total: count, first: fault } = file.skipped;
    if (!fault) continue;
    const text = `${count} malformed ${count > 1 ? 'lines' : 'line'} in ${file.path}, and none with a time; first at byte ${fault.offset} (${fault.reason})`;
    run.note(`malformed:${file.path}`, text, count);
  }
}

/** One query: reads blocks by their times, and hands lines out when no unread block can hold one that comes before. */
class Search {
  readonly #shelf: Shelf;
  readonly #query: Query;
  readonly #run: Run;
  readonly #handles: Handles;
  readonly #reader: BlockReader;
  readonly #remarks: Remarks = { malformed: new Skipped(), mended: new Skipped() };
  readonly #remarked = new Set<Block>();
  readonly #broken = new Set<Lane>();
  #after: Query['after'];
  #left: number;

  constructor(shelf: Shelf, query: Query, run: Run) {
    this.#shelf = shelf;
    this.#query = query;
    this.#run = run;
    this.#handles = new Handles(shelf.catalogue, run.signal);
    this.#reader = new BlockReader(shelf.settings);
    this.#after = query.after;
    this.#left = query.limit ?? Number.POSITIVE_INFINITY;
  }

  close(): Promise<void> {
    return this.#handles.close();
  }

  async *run(lanes: readonly Lane[]): AsyncIterable<readonly Draft[]> {
    const candidates = await this.#candidates(lanes);
    // A pass ends early when more lines had to be held at once than memory allows; the next one goes on behind it.
    for (let again = this.#left > 0; again; ) again = yield* this.#pass(candidates);
    this.#remark();
  }

  async #candidates(lanes: readonly Lane[]): Promise<Candidate[]> {
    const { from, to } = this.#query;
    const all: Candidate[] = [];
    let failure: unknown;
    for (const lane of [...lanes].reverse()) {
      try {
        const index = await this.#shelf.indexes.extend(lane, (again) => this.#handles.get(lane, again), this.#run.signal);
        const [file] = lane.files;
        if (!index || !file) continue;
        if (index.fault) this.#run.note(`gzip:${file.path}`, `${file.path} is damaged or unfinished; read up to there (${index.fault})`);
        const blocks = file.compressed ? coarse(index.blocks, GZIP_BLOCK) : index.blocks;
        const wanted = blocks.filter((block) => block.max >= from && block.min < to).map((block) => ({ lane, block }));
        if (wanted.length > 0 && !this.#handles.full) await this.#handles.get(lane);
        for (const candidate of wanted) all.push(candidate);
      } catch (error) {
        failure = this.#giveUp(lane, error);
      }
    }
    if (failure && this.#broken.size === lanes.length) throw failure;
    const newest = this.#query.order === 'newest';
    return all.sort((a, b) => (newest ? b.block.max - a.block.max : a.block.min - b.block.min));
  }

  /** Whether another pass is needed. */
  async *#pass(candidates: readonly Candidate[]): AsyncGenerator<readonly Draft[], boolean> {
    const list = new Shortlist<LineDraft>(ordering(this.#query.order), { ...HELD, count: Math.min(HELD.count, 2 * this.#left + 64) });
    let batch: LineDraft[] = [];
    let chars = 0;
    let next = 0;
    for (;;) {
      for (let candidate = candidates[next]; candidate && this.#mayPrecede(candidate, list); candidate = candidates[++next]) {
        await this.#read(candidate, list);
      }
      const entry = list.pop();
      if (entry) {
        batch.push(entry);
        chars += entry.json.length;
        this.#left--;
        if (this.#left > 0 && batch.length < BATCH && chars < BATCH_CHARS) continue;
      }
      const last = batch.at(-1);
      if (last) {
        this.#after = { time: last.time, id: last.id };
        this.#remark();
        yield batch;
        batch = [];
        chars = 0;
      }
      if (!entry || this.#left === 0) return list.horizon !== undefined && this.#left > 0;
    }
  }

  /** Whether the block can hold a line that comes before all that are held. */
  #mayPrecede({ block }: Candidate, list: Shortlist<LineDraft>): boolean {
    const bound = list.first ?? list.horizon;
    if (!bound) return true;
    return this.#query.order === 'newest' ? block.max >= bound.time : block.min <= bound.time;
  }

  async #read({ lane, block }: Candidate, list: Shortlist<LineDraft>): Promise<void> {
    const range = this.#range(list.horizon?.time);
    if (this.#broken.has(lane) || block.max < range.min || block.min > range.max) return;
    const [file] = lane.files;
    const origin = { lane: lane.name, path: file?.path ?? '', keepBody: !file?.compressed };
    const remarks = this.#remarked.has(block) ? undefined : this.#remarks;
    this.#remarked.add(block);
    try {
      const { signal } = this.#run;
      const read = async (again: boolean) => {
        const content = await this.#handles.get(lane, again);
        const drafts = await this.#reader.read(content, block, range, origin, signal, remarks);
        return (await content.intact()) ? drafts : undefined;
      };
      const drafts = (await read(false)) ?? (await read(true));
      if (!drafts) this.#giveUp(lane, new Error(`${origin.path} was rewritten while it was read`));
      const compare = ordering(this.#query.order);
      for (const draft of drafts ?? []) if (!this.#after || compare(this.#after, draft) < 0) list.push(draft);
    } catch (error) {
      this.#giveUp(lane, error);
    }
  }

  /** The times that still matter, inclusive. */
  #range(horizon: number | undefined): { min: number; max: number } {
    const { from, to, order } = this.#query;
    const newest = order === 'newest';
    const after = this.#after?.time;
    const min = newest ? Math.max(from, horizon ?? from) : Math.max(from, after ?? from);
    const max = newest ? Math.min(to - 1, after ?? to) : Math.min(to - 1, horizon ?? to);
    return { min, max };
  }

  #giveUp(lane: Lane, error: unknown): unknown {
    this.#run.signal.throwIfAborted();
    this.#broken.add(lane);
    this.#run.note(`unreadable:${lane.files[0]?.path}`, `answered without ${lane.files[0]?.path}: ${describe(error)}`);
    return error;
  }

  #remark(): void {
    const malformed = this.#remarks.malformed.take(MALFORMED);
    if (malformed) this.#run.note('malformed', malformed.text, malformed.count);
    const mended = this.#remarks.mended.take(MENDED);
    if (mended) this.#run.note('bad-utf8', mended.text, mended.count);
  }
}
