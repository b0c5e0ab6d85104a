import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { CatalogEntry, RetentionReport, RetentionRun } from './catalog.ts';
import type { DoraReport, DoraRequest } from './dora.ts';
import type { DataType, Entry, Json, JsonObject, Micros } from './entry.ts';
import type { Cursor, Lost, Position } from './follow.ts';
import type { Condition, Query } from './query.ts';
import type { Appended, Probe, Rejected, Source } from './source.ts';
import type { StatsAnswer, StatsRequest } from './stats.ts';

/** A sink either is written to (`write`), or serves what it asked for in `needs`, or both. */
export interface Sink {
  start?(signal: AbortSignal): Promise<void>;
  stop?(): Promise<void>;
  /**
   * At least once, never concurrent. Resolves when all but the rejected entries are durable; an error means that none
   * need be, and the same entries come again, in parts and not in their order where that helps. Calls hold what came while the one
   * before was answered, at most 5000 entries and 4 Mi characters.
   */
  write?(entries: readonly Entry[], signal: AbortSignal): Promise<void | readonly Rejected[]>;
  probe?(signal: AbortSignal): Promise<Probe>;
  /** Sources that this sink computes. */
  readonly serves?: readonly Source[];
}

/** Mounted below a path prefix on a listener that the core owns. */
export interface Handler {
  request(request: IncomingMessage, response: ServerResponse): void;
  upgrade?(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

export interface KeyValue {
  get(key: string): Promise<Json | undefined>;
  set(key: string, value: Json): Promise<void>;
  delete(key: string): Promise<void>;
}

export interface SourceReport {
  readonly name: string;
  /** What answers call the source. */
  readonly label: string;
  readonly status: 'ok' | 'failed' | 'timeout';
  /** Rows of this source in the page. */
  readonly count: number;
  /** Rows left out because another source had the same entry. */
  readonly duplicates: number;
  /** What the source left out of what it read for this page, since it was no entry: the counts of its notes of {@link LEFT_OUT}. */
  readonly skipped?: number;
  readonly tookMs: number;
  readonly error?: string;
  /** A cursor that fetches only what this source owes to this page. */
  readonly retry?: string;
}

export interface Page {
  readonly entries: readonly Entry[];
  /** The cursor of the next page; absent on the last one. */
  readonly next?: string;
  readonly sources: readonly SourceReport[];
  readonly notes: readonly string[];
}

/** What `query` takes. `from` and `to` are frozen into the cursor, and may be left out when one is given. */
export interface PageRequest extends Partial<Omit<Query, 'after'>> {
  readonly sources?: readonly string[];
  readonly cursor?: string;
  /** Text that a cursor is bound to besides the query itself, e.g. the relative times that `from` was computed from. */
  readonly binding?: string;
}

export type Positions = Readonly<Record<string, Position>>;

/** What a follower is handed. Entries and their cursors are the same for every reader of a source. */
export type Frame =
  | { readonly event: 'hello' | 'caught-up'; readonly position: Positions; readonly missing: readonly { source: string; reason: string }[] }
  | { readonly event: 'entry'; readonly source: string; readonly lane: string; readonly cursor: Cursor; readonly entry: Entry }
  | { readonly event: 'gap'; readonly source: string; readonly count: number; readonly after: Position; readonly until: Position }
  | { readonly event: 'lost'; readonly source: string; readonly lost: Lost };

export interface FollowOptions {
  /** Source → lane → cursor. A source absent here starts at its end. */
  readonly after?: Positions;
  /** `latest`: a slow reader skips, and is told so by a `gap`. `complete`: it never skips, and falls behind instead. */
  readonly policy: 'latest' | 'complete';
  readonly where?: readonly Condition[];
  readonly sources?: readonly string[];
}

export interface SourceInfo {
  readonly name: string;
  readonly type: DataType;
  readonly label: string;
  readonly mirror: boolean;
  readonly facets: readonly string[];
}

/** One configured plugin, as its supervisor sees it. */
export interface InstanceInfo {
  readonly kind: 'source' | 'sink';
  readonly name: string;
  readonly use: string;
  readonly state: 'starting' | 'running' | 'waiting' | 'failed' | 'stopped';
  readonly restarts: number;
  /** Why it is waiting or failed. */
  readonly error?: string;
  /** Of a running sink that is written to. */
  readonly deliveries?: readonly DeliveryInfo[];
  /** Of the same: it is taken for down, and gets one entry at a time until it takes one. */
  readonly circuitOpen?: boolean;
}

/** How far the writing of one source to one sink is. */
export interface DeliveryInfo {
  readonly source: string;
  /** `current`: nothing waits, or for seconds only. `waiting`: it does not go on, and `error` says why. */
  readonly state: 'current' | 'behind' | 'waiting';
  /**
   * How old the oldest entry is that was read and is not durable in the sink yet, or how long the source could not be read; 0 when
   * nothing waits.
   */
  readonly lagSeconds: number;
  /** Entries that were read and are not durable yet; what waits in the source itself is not among them. */
  readonly pending: number;
  readonly error?: string;
  /** When it began to wait. */
  readonly since?: Micros;
  /** When it is tried again, if that is the sink's to say. */
  readonly nextTry?: Micros;
}

/** What a sink may ask for in `needs`. */
export interface Services {
  /** Entries of a type from every source of it, merged. Rejects with `ERR_REQUEST` when the request itself is wrong. */
  query(type: DataType, request: PageRequest, signal: AbortSignal): Promise<Page>;
  /** The present state, from sources with the `latest` facet. */
  latest(type: DataType, request: { readonly sources?: readonly string[] }, signal: AbortSignal): Promise<Page>;
  follow(type: DataType, options: FollowOptions, signal: AbortSignal): AsyncIterable<Frame>;
  /** Counts and measures by groups, worked out by the source itself where it can. */
  stats(type: DataType, request: StatsRequest, signal: AbortSignal): Promise<StatsAnswer>;
  /**
   * Appends to the named source, or to the only one of the type that can be appended to; `bodies` and `time` are those of
   * `Source.append`. Rejects with `ERR_REQUEST` when there is none, or no single one, and with a RetryableError when the source
   * fails. What it wrote by then is unknown unless the error says so; with the same times the same may be appended again.
   */
  append(
    type: DataType,
    request: { readonly source?: string; readonly bodies: readonly JsonObject[]; readonly time?: Micros },
    signal: AbortSignal,
  ): Promise<{ readonly source: string; readonly results: readonly Appended[] }>;
  /** The four keys, worked out from the metrics. */
  dora(request: DoraRequest, signal: AbortSignal): Promise<DoraReport>;
  catalog(signal: AbortSignal): Promise<readonly CatalogEntry[]>;
  retention: {
    report(): Promise<RetentionReport>;
    /** Runs one after the other, also across processes. */
    apply(options: { readonly dryRun: boolean; readonly sources?: readonly string[] }, signal: AbortSignal): Promise<RetentionRun>;
  };
  sources(): readonly SourceInfo[];
  status(): readonly InstanceInfo[];
  /** The agent's own metrics in Prometheus' text format. */
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>;
  http: {
    /** `listen` is `host:port`. Resolves when the port serves the prefix; the function it resolves to unmounts it. */
    mount(listen: string, prefix: string, handler: Handler): Promise<() => Promise<void>>;
  };
  /** Kept across restarts, this sink's own. */
  state: KeyValue;
  events: { on(event: string, listener: (detail: JsonObject) => void): () => void };
}
