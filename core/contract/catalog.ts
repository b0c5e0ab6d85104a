import type { DataType, Micros } from './entry.ts';
import type { Change, FieldSummary, Volume } from './source.ts';

/** A part of a quality score: what share of what was looked at keeps the rule. */
export interface QualityPart {
  readonly weight: number;
  readonly numerator: number;
  readonly denominator: number;
  /** What is counted, in words. */
  readonly rule: string;
  /** 0 to 100; `null` when there was nothing to look at. */
  readonly score: number | null;
}
export interface Quality {
  /** 0 to 100, the weighted mean of the parts that have a score; `null` when none has. */
  readonly score: number | null;
  readonly class: 'healthy' | 'warning' | 'critical' | 'no data';
  /** How many of the newest entries were looked at. */
  readonly entries: number;
  readonly parts: Readonly<Record<'completeness' | 'validity' | 'consistency' | 'timeliness' | 'accuracy', QualityPart>>;
}

/** What there is to know about one source. */
export interface CatalogEntry {
  readonly name: string;
  readonly type: DataType;
  readonly label: string;
  /** Holds copies that a sink made, so that its volume is not to be added to that of others. */
  readonly mirror: boolean;
  readonly use: string;
  readonly state: string;
  readonly error?: string;
  readonly owner: string | null;
  readonly facets: readonly string[];
  readonly fields: readonly FieldSummary[];
  readonly freshness: { readonly newest: Micros | null; readonly age_seconds: number | null };
  readonly volume: Volume;
  readonly retention: string;
  readonly backup: string;
  readonly quality: Quality;
  /** The sinks that it feeds, and how: written to them with a checkpoint, or read by them when somebody asks. */
  readonly feeds: readonly { readonly sink: string; readonly use: string; readonly how: 'written' | 'read' }[];
  readonly notes: readonly string[];
}

export interface RetentionResult {
  readonly source: string;
  readonly type: DataType;
  readonly policy: string;
  /** What was done, also before an error. */
  readonly changes: readonly Change[];
  readonly error?: string;
}
export interface RetentionRun {
  /** When it began. */
  readonly time: Micros;
  readonly dry_run: boolean;
  readonly results: readonly RetentionResult[];
}
export interface RetentionReport {
  readonly schedule: string | null;
  readonly next: Micros | null;
  readonly policies: readonly { readonly source: string; readonly type: DataType; readonly policy: string }[];
  /** The last real run, whoever asked for it. */
  readonly last: RetentionRun | null;
}
