import type { ArchiveReader, ArchiveWriter, Micros, Run, Source } from '../../core/contract/index.ts';
import { DAY } from '../cassandra/keys.ts';
import type { Stored } from '../cassandra/row.ts';
import type { Written } from '../cassandra/write-lines.ts';
import { linesOf, readLine, textOf } from './archive-text.ts';
import { daysOf, hoursOf } from './changes-hours.ts';
import { type Line, oldestFirst, shardsOf } from './changes-lines.ts';
import type { LogStore } from './changes-store.ts';

export interface StoreArchive extends LogStore {
  /**
   * Writes lines as the sink does: each with the rest of its time to live, and told to followers and to whoever stored counts.
   * Resolves when all are durable but those that were too old to be written, and those that no cluster will take.
   */
  writeRows(rows: readonly Stored[], signal: AbortSignal): Promise<Written>;
}

interface Range {
  readonly from: Micros;
  readonly to: Micros;
}

const FOLDER = 'application_logs/';
const FILE = /^application_logs\/\d{4}-\d{2}-\d{2}\.jsonl$/;
/** Lines, and characters in their bodies, that are written back at a time. */
const MOST = { lines: 2000, characters: 8_000_000 };

/** Lines as files of JSON, one for each UTC day, oldest first: `application_logs/2025-11-07.jsonl`. */
export function storeArchive(deps: StoreArchive): NonNullable<Source['archive']> {
  return {
    async export(writer, range, run) {
      for (const day of await daysOf(deps, range.from, range.to, run.signal)) await exportDay(deps, writer, day, range, run);
    },
    restore: (reader, run) => restore(deps, reader, run),
  };
}

async function exportDay(store: LogStore, writer: ArchiveWriter, day: string, range: Range, run: Run): Promise<void> {
  const begin = Date.parse(day) * 1000;
  const part = { from: Math.max(range.from, begin), to: Math.min(range.to, begin + DAY) };
  const lists = linesOfDay(store, day, part, run);
  const first = await lists.next();
  if (first.done) return;
  let lines = 0;
  async function* body(): AsyncGenerator<Uint8Array, void, void> {
    for (let next = first as IteratorResult<readonly Line[]>; !next.done; next = await lists.next()) {
      lines += next.value.length;
      yield Buffer.from(next.value.map(textOf).join(''));
    }
  }
  await writer.file(`${FOLDER}${day}.jsonl`, body(), () => ({ lines, ...part }));
}

async function* linesOfDay(store: LogStore, day: string, range: Range, run: Run): AsyncGenerator<readonly Line[], void, void> {
  for (const services of await hoursOf(store, day, range, run.signal)) {
    const partitions = services.flatMap(({ service, hour }) => shardsOf(store, service, hour));
    for await (const lines of oldestFirst(store, partitions, range, run.signal)) {
      const whole = lines.filter(({ body }) => body !== '');
      const broken = lines.length - whole.length;
      if (broken > 0) run.note('malformed', 'rows without a body, which no agent wrote, were left out', broken);
      if (whole.length > 0) yield whole;
    }
  }
}

async function restore(deps: StoreArchive, reader: ArchiveReader, run: Run): Promise<void> {
  for await (const { path, body } of reader.files()) {
    if (!FILE.test(path)) continue;
    const writing = new Writing(deps, run);
    let number = 0;
    for await (const text of linesOf(body)) {
      number++;
      const row = readLine(text);
      if (row) await writing.add(row);
      else run.note(`malformed:${path}`, `lines of ${path} are none of an archive, the last of them line ${number}, and were left out`, 1);
    }
    await writing.flush();
  }
}

/** Lines are written in portions, for as little as possible of an archive to be in memory. */
class Writing {
  readonly #deps: StoreArchive;
  readonly #run: Run;
  #rows: Stored[] = [];
  #characters = 0;

  constructor(deps: StoreArchive, run: Run) {
    this.#deps = deps;
    this.#run = run;
  }

  async add(row: Stored): Promise<void> {
    this.#rows.push(row);
    this.#characters += row.body.length;
    if (this.#rows.length >= MOST.lines || this.#characters >= MOST.characters) await this.flush();
  }

  async flush(): Promise<void> {
    const rows = this.#rows;
    [this.#rows, this.#characters] = [[], 0];
    if (rows.length === 0) return;
    const { expired, rejected } = await this.#deps.writeRows(rows, this.#run.signal);
    if (expired > 0) this.#run.note('expired', 'lines were older than the store keeps them, and were not written', expired);
    const [first] = rejected;
    if (first) this.#run.note('refused', `lines were refused, among them ${first.id}: ${first.reason}`, rejected.length);
  }
}
