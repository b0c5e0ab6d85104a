import type { Point } from '../../core/contract/index.ts';
import { dayOf, partitionOf } from '../cassandra/keys.ts';
import type { RowKept, RowsKept } from '../cassandra/rows-kept.ts';
import { HOURS, LOGS } from '../cassandra/tables.ts';
import { pieces } from './lines.ts';
import type { Reads } from './reads.ts';
import { newestLine } from './volume.ts';

/** Services that one statement names. */
const MOST_NAMED = 64;

/** For how long the newest line is kept, as it was found last. */
export class NewestKept implements RowsKept {
  readonly #reads: Reads;
  seen: RowKept | undefined;

  constructor(reads: Reads) {
    this.#reads = reads;
  }

  /** Resolves to the newest line. Of a row that no agent wrote, nothing is known. */
  async look(signal: AbortSignal): Promise<Point | undefined> {
    const line = await newestLine(this.#reads, signal);
    this.seen = line && (await this.#kept(line, signal));
    return line;
  }

  async #kept({ time, id }: Point, signal: AbortSignal): Promise<RowKept | undefined> {
    const reads = this.#reads;
    const { hour, shard } = partitionOf('', time, id, reads.shards);
    const begin = new Date(hour / 1000);
    const directory = `SELECT service FROM ${reads.name(HOURS)} WHERE day = ? AND hour = ?`;
    const rows = await reads.rows({ query: directory, params: [dayOf(hour), begin] }, signal);
    const query = `SELECT host, TTL(body) AS ttl, WRITETIME(body) AS written FROM ${reads.name(LOGS)}
      WHERE service IN ? AND hour = ? AND shard = ? AND time = ? AND id = ?`;
    for (const services of pieces([...new Set(rows.map((row) => row['service']))], MOST_NAMED)) {
      const [row] = await reads.rows({ query, params: [services, begin, shard, BigInt(time), id] }, signal);
      if (!row || row['written'] === null) continue;
      const host = (row['host'] as string | null) ?? '';
      const ttl = row['ttl'] as number | null;
      // A line of a time to come lives from when it was written.
      const since = Math.min(time, Number(row['written']));
      return { host, ...(ttl !== null && { seconds: ttl + Date.now() / 1000 - since / 1_000_000 }) };
    }
    return undefined;
  }
}
