import type { Micros } from './entry.ts';
import type { SourceReport } from './sink.ts';

/** The most rows behind a figure that are told. */
export const MOST_EVIDENCE = 1000;

export type DoraKey = 'deployment_frequency' | 'lead_time' | 'change_failure_rate' | 'time_to_restore';
export type DoraClass = 'elite' | 'high' | 'medium' | 'low' | 'no data';

export interface DoraRequest {
  /** The window is `[from, to)`. */
  readonly from: Micros;
  readonly to: Micros;
  readonly group: 'day' | 'week' | 'month';
  readonly sources?: readonly string[];
}

/** A row behind a figure. */
export interface DoraEvidence {
  /** Ids of the rows that it rests on, the deciding one last. */
  readonly ids: readonly string[];
  readonly time: Micros;
  readonly cycle_id?: string;
  readonly feature_id?: string;
  /** For a duration: how long. */
  readonly seconds?: number;
  /** For a deployment: whether it counts as failed. */
  readonly failed?: boolean;
}

export interface DoraFigure {
  /** `null` when there is nothing to tell it from; a fraction from 0 to 1, seconds, or deployments a week. */
  readonly value: number | null;
  readonly unit: 'per week' | 'seconds' | 'fraction';
  readonly class: DoraClass;
  /** In seconds, of durations; in deployments a group, of the frequency. */
  readonly median?: number | null;
  readonly p95?: number | null;
  /** How many observations the value rests on. */
  readonly n: number;
  /** The same figure of the window before, of the same length, and whether it became better. */
  readonly trend: { readonly previous: number | null; readonly direction: 'better' | 'worse' | 'same' | 'no data' };
  /** Newest first, at most {@link MOST_EVIDENCE}. */
  readonly rows: readonly DoraEvidence[];
  /** What failed in the window and is not restored yet; of `time_to_restore` only. */
  readonly open?: readonly DoraEvidence[];
}

export interface DoraReport {
  readonly keys: Readonly<Record<DoraKey, DoraFigure>>;
  /** One for each group that the window touches, oldest first; times are the begin of the group. */
  readonly series: readonly ({ readonly time: Micros } & Readonly<Record<DoraKey, number | null>> & { readonly deployments: number })[];
  readonly definitions: Readonly<Record<DoraKey, string>>;
  readonly sources: readonly SourceReport[];
  readonly notes: readonly string[];
}
