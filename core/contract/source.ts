import type { DataType, Draft, JsonObject, Micros } from './entry.ts';
import type { FollowFacet } from './follow.ts';
import type { QueryFacet, Run } from './query.ts';
import type { StatsFacet } from './stats.ts';

export interface Rejected {
  readonly id: string;
  readonly reason: string;
}
/**
 * What became of a body that was to be appended. `present`: the very same observation was there already, so that an append may
 * be repeated. `conflict`: an observation of the same identity is there and says something else. `invalid`: it does not fit;
 * `field` is the one to mend. `skipped`: it was not written, because another one of the same call was in conflict or invalid.
 */
export type Appended =
  | { readonly status: 'added' | 'present'; readonly entry: Draft }
  | { readonly status: 'skipped' }
  | { readonly status: 'conflict' | 'invalid'; readonly reason: string; readonly field?: string };
/** How much a source holds. */
export interface Volume {
  readonly entries?: number;
  readonly bytes?: number;
  readonly oldest?: Micros;
  readonly newest?: Micros;
  /** `entries` is the store's own estimate. */
  readonly estimated?: boolean;
}
export interface Probe {
  readonly ok: boolean;
  /** One line for a person: what was looked at, and if it is not well, how to mend it. */
  readonly detail: string;
  readonly newest?: Micros;
}
export interface ArchiveWriter {
  /** `facts` is asked for when the body was read to its end, so that it can tell what was counted on the way. */
  file(path: string, body: AsyncIterable<Uint8Array>, facts: () => JsonObject): Promise<void>;
}
export interface ArchiveReader {
  files(): AsyncIterable<{ path: string; body: AsyncIterable<Uint8Array>; facts: JsonObject }>;
}
/** One thing that was done, or in a dry run would be. */
export interface Change {
  /** For a person, and the same text in the dry run and in the real one. */
  readonly what: string;
  /** How many of it: rows, files, indexes. */
  readonly count: number;
  readonly bytes?: number;
}
export interface FieldSummary {
  readonly name: string;
  /** JSON kinds: `string`, `number`, `boolean`, `object`, `array`, `null`. One alone, besides `null`, is what every value should be of. */
  readonly kinds: readonly string[];
  readonly distinct?: number;
  /** The commonest values and how often each occurs. */
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
  /**
   * Adds observations, each given as the body that a query will answer: all of them, or none when one is in conflict or
   * invalid. One result a body, in their order. The first body without a time is of `time`, each further one a microsecond later
   * (or what else is the smallest step of the source's times; they are cut to it),
   * so that the same call may be repeated; without `time` they are new observations of now. Rejects with a PermanentError, or with
   * the code `ERR_NOT_ADDED`, only when nothing was added.
   */
  append?(bodies: readonly JsonObject[], signal: AbortSignal, time?: Micros): Promise<readonly Appended[]>;
  stats?: StatsFacet;
  fields?(run: Run): Promise<readonly FieldSummary[]>;
  volume?(run: Run): Promise<Volume>;
  probe?(signal: AbortSignal): Promise<Probe>;
  /** Works on an instance that was not started, since one cannot start without its table. */
  schema?: { apply(options: { dryRun: boolean }, signal: AbortSignal): Promise<readonly Change[]> };
  /**
   * `export` hands over files with all entries in `[from, to)`, one after the other; `restore` takes them back, those of other
   * sources among them left alone, and may be repeated: what is there already is not doubled. Notes tell what was left out.
   */
  archive?: {
    export(writer: ArchiveWriter, range: { readonly from: Micros; readonly to: Micros }, run: Run): Promise<void>;
    restore(reader: ArchiveReader, run: Run): Promise<void>;
  };
  /**
   * `describe` tells the policy in a few words, such as `permanent` or `rows older than 90 days are deleted`. An `apply` that fails
   * after it changed something rejects with a `PartialRetention`.
   */
  retention?: { describe(): string; apply(options: { dryRun: boolean }, signal: AbortSignal): Promise<readonly Change[]> };
}
