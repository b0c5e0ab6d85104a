import { describe, type Log, RetryableError } from '../../core/contract/index.ts';
import type { Table } from '../../core/table/index.ts';
import type { MysqlDatabase } from './database.ts';
import { explain, type Place } from './errors.ts';
import { missingIndexes } from './indexes.ts';
import { type Found, inspect, type Mapping } from './inspect.ts';
import { abortable } from './pool.ts';

/** So often a table that is in use is looked at again, so that a new column becomes a field without a restart. */
const LOOK_AGAIN_MS = 10_000;

export interface LookoutOptions {
  readonly database: MysqlDatabase;
  readonly mapping: Mapping;
  readonly place: Place;
  readonly log: Log;
  /** Aborts when the instance ends. */
  readonly life: AbortSignal;
}

/**
 * Knows the table. It is looked at when somebody needs it, not only at the start: an agent that starts before its database
 * answers the first query after the database is there.
 */
export class Lookout {
  readonly #options: LookoutOptions;
  #found: Found | undefined;
  #lookedAt = 0;
  #looking: Promise<Found> | undefined;
  #warned = '';

  constructor(options: LookoutOptions) {
    this.#options = options;
  }

  /** Throws while the table is not known. */
  get table(): Table {
    if (!this.#found) throw new RetryableError(`the table ${this.#options.place.table} was not looked at yet`);
    return this.#found.table;
  }

  /** Resolves when the table is known. Rejects with what keeps it from being so. */
  async ready(signal: AbortSignal): Promise<Found> {
    signal.throwIfAborted();
    const found = this.#found;
    if (!found) return abortable(this.#look(), signal);
    // Whatever is wrong with the server now, the request itself will tell.
    if (Date.now() - this.#lookedAt > LOOK_AGAIN_MS) this.#look().catch(() => undefined);
    return found;
  }

  /** Resolves when the look is over that {@link ready} began, if any. Whatever it met, the next request will tell. */
  async looked(signal: AbortSignal): Promise<void> {
    const looking = this.#looking?.catch(() => undefined);
    if (looking) await abortable(looking, signal);
  }

  /** A statement met another table; the next request looks anew. */
  forget(): void {
    this.#found = undefined;
  }

  #look(): Promise<Found> {
    this.#looking ??= this.#inspected().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #inspected(): Promise<Found> {
    const { database, mapping, place, life } = this.#options;
    const found = await inspect(database, mapping, life);
    if (!found) throw explain(new Missing('it is not in information_schema, or this user may not see it'), place);
    // The same table stays the same object, for whoever keeps something by it.
    if (JSON.stringify(found, plain) !== JSON.stringify(this.#found, plain)) this.#found = found;
    this.#lookedAt = Date.now();
    this.#warn(found);
    return this.#found as Found;
  }

  #warn({ table, untold, view }: Found): void {
    const missing = view ? [] : missingIndexes(table);
    const text = JSON.stringify([missing, untold, view]);
    if (text === this.#warned) return;
    this.#warned = text;
    const { log, place } = this.#options;
    if (missing.length > 0)
      log.warn('queries will be slow without these indexes; cauce schema apply adds them', { table: place.table, columns: missing });
    if (untold.length > 0)
      log.warn('columns of these types cannot be told as JSON and are left out', { table: place.table, columns: untold });
    if (view) log.warn('a view has no indexes of its own, and nothing says that its id_column is unique', { table: place.table });
  }

  /** At the start: says what is wrong, and leaves it to the first request to try again. */
  async first(signal: AbortSignal): Promise<void> {
    try {
      await this.ready(signal);
    } catch (error) {
      if (signal.aborted || (error as { code?: unknown }).code === 'ERR_MAPPING') throw error;
      this.#options.log.warn('cannot be asked yet; every request tries again', { error: describe(error) });
    }
  }
}

class Missing extends Error {
  readonly code = 'ER_NO_SUCH_TABLE';
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  return value instanceof Set ? [...value] : value;
}
