import type { DataType, Draft, JsonObject, Micros } from './entry.ts';
import type { FollowFacet } from './follow.ts';
import type { QueryFacet, Run, StatsQuery, StatsRow } from './query.ts';

export interface Rejected {
  readonly id: string;
  readonly reason: string;
}
export interface Probe {
  readonly ok: boolean;
  /** One line for a person: what was looked at, and if it is not well, how to mend it. */
  readonly detail: string;
  readonly newest?: Micros;
}
export interface ArchiveWriter {
  file(path: string, body: AsyncIterable<Uint8Array>, facts: JsonObject): Promise<void>;
}
export interface ArchiveReader {
  files(): AsyncIterable<{ path: string; body: AsyncIterable<Uint8Array>; facts: JsonObject }>;
}
export interface Change {
  readonly what: string;
  readonly count: number;
  readonly bytes?: number;
}
export interface FieldSummary {
  readonly name: string;
  readonly kinds: readonly string[];
  readonly distinct?: number;
  readonly top?: JsonObject;
}

/**
 * A source. Only `type` is required; every other member is a facet whose presence is the capability.
 * The core owns deadlines, retries, merging, conditions and cursors; the source owns its protocol.
 */
export interface Source {
  readonly type: DataType;
  /** What answers call it, e.g. `MySQL (dora_metrics)`. Default: the instance's name. */
  readonly label?: string;
  /** Holds copies that a sink made: queried, but followed only when it is named. */
  readonly mirror?: boolean;
  start?(signal: AbortSignal): Promise<void>;
  stop?(): Promise<void>;
  query?: QueryFacet;
  follow?: FollowFacet;
  /** The present state of something that has one (a health check), as fresh as the source's own cache allows. */
  latest?(run: Run): Promise<readonly Draft[]>;
  /**
   * For sources that are told rather than asked. `accept` resolves when the core's journal holds the drafts durably;
   * the journal then gives `query` and `follow`. Runs until the signal aborts.
   */
  receive?(accept: (drafts: readonly Draft[]) => Promise<void>, signal: AbortSignal): Promise<void>;
  /** How long, in milliseconds, the journal keeps what `receive` accepted. Default: 30 days. */
  readonly keep?: number;
  append?(drafts: readonly Draft[], signal: AbortSignal): Promise<readonly Rejected[]>;
  stats?(query: StatsQuery, run: Run): AsyncIterable<readonly StatsRow[]>;
  fields?(run: Run): Promise<readonly FieldSummary[]>;
  probe?(signal: AbortSignal): Promise<Probe>;
  schema?: { apply(options: { dryRun: boolean }, signal: AbortSignal): Promise<readonly Change[]> };
  archive?: { export(writer: ArchiveWriter, run: Run): Promise<void>; restore(reader: ArchiveReader, run: Run): Promise<void> };
  retention?: { describe(): string; apply(options: { dryRun: boolean }, signal: AbortSignal): Promise<readonly Change[]> };
}
