import { LOGS } from '../cassandra/tables.ts';
import type { HourEntry } from './directory.ts';
import type { Reads } from './reads.ts';

/** Lines of a level that are few enough to look up where they all are. */
const MOST = 1000;
/** Hours that were read, and brought too little, when it is worth to ask all nodes at once; and when it is worth to wait for them. */
const ASK_AFTER = 3;
const WAIT_AFTER = 6;

/** Where the lines of rare levels are, so that a search for them need not look into each partition of 90 days. */
export class FewHours {
  readonly #ask: () => Promise<ReadonlySet<string> | undefined>;
  #asked: Promise<void> | undefined;
  #found: ReadonlySet<string> | undefined;

  constructor(reads: Reads, levels: readonly string[], signal: AbortSignal) {
    this.#ask = () => hoursWith(reads, levels, signal);
  }

  /** To be called before each hour that is needed, with how many were read. */
  async after(hours: number): Promise<void> {
    if (hours < ASK_AFTER) return;
    this.#asked ??= this.#ask().then(
      (found) => {
        this.#found = found;
      },
      // Without it, hours are read one after the other as before; when the nodes are down, those reads say so.
      () => undefined,
    );
    if (hours >= WAIT_AFTER) await this.#asked;
  }

  /** Whether there can be a line of these levels; lists are not in the index. */
  mayHold(hour: HourEntry['hour'], { service, lists }: HourEntry['services'][number]): boolean {
    return lists || this.#found === undefined || this.#found.has(keyOf(service, hour));
  }
}

/** Undefined when there are too many lines. A level that is not there costs no more than a look into the index of each file. */
async function hoursWith(reads: Reads, levels: readonly string[], signal: AbortSignal): Promise<ReadonlySet<string> | undefined> {
  const query = `SELECT service, hour FROM ${reads.name(LOGS)} WHERE level = ? LIMIT ?`;
  const found = await Promise.all(levels.map((level) => reads.rows({ query, params: [level, MOST] }, signal)));
  if (found.some((rows) => rows.length === MOST)) return undefined;
  return new Set(found.flat().map((row) => keyOf(row['service'] as string, (row['hour'] as Date).getTime() * 1000)));
}

function keyOf(service: string, hour: HourEntry['hour']): string {
  return `${hour} ${service}`;
}
