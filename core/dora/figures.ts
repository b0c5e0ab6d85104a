import {
  type DoraClass,
  type DoraEvidence,
  type DoraFigure,
  type DoraKey,
  type DoraReport,
  type DoraRequest,
  MOST_EVIDENCE,
} from '../contract/index.ts';
import { type History, type Observation, type Observations, observe } from './observations.ts';
import { quantile } from './quantile.ts';
import { groupsOf, type Span, within } from './span.ts';

type Figures = Pick<DoraReport, 'keys' | 'series'>;
type Unit = DoraFigure['unit'];

const WEEK = 7 * 86_400_000_000;
const HOUR = 3600;

/**
 * The four keys of a window. The history is that of the window and of the one before, and besides it has all rows of the features
 * that are deployed there, and of the cycles that deploy or fail there.
 */
export function fourKeys(history: History, { from, to, group }: Pick<DoraRequest, 'from' | 'to' | 'group'>): Figures {
  const all = observe(history);
  const seen = look(all, { from, to });
  const before = valuesOf(look(all, { from: from - (to - from), to: from }));
  const groups = groupsOf({ from, to }, group).map(({ begin, span }) => ({ begin, seen: look(all, span) }));
  const figure = (key: DoraKey, unit: Unit, more: Pick<DoraFigure, 'n'> & Partial<DoraFigure>, evidence: readonly Observation[]) => {
    const value = valuesOf(seen)[key];
    const trend = { previous: before[key], direction: direction(key, before[key], value) };
    return { value, unit, class: classOf(key, value), ...more, trend, rows: evidenceOf(evidence) };
  };
  const frequencies = seen.empty ? [] : groups.map((one) => one.seen.successes.length);
  return {
    keys: {
      deployment_frequency: figure(
        'deployment_frequency',
        'per week',
        { ...distribution(frequencies), n: seen.successes.length },
        seen.successes,
      ),
      lead_time: figure('lead_time', 'seconds', durations(seen.changes), seen.changes),
      change_failure_rate: figure('change_failure_rate', 'fraction', { n: seen.deployments.length }, seen.deployments),
      time_to_restore: figure('time_to_restore', 'seconds', { ...durations(seen.restored), open: evidenceOf(seen.open) }, seen.restored),
    },
    series: groups.map((one) => ({ time: one.begin, deployments: one.seen.successes.length, ...valuesOf(one.seen) })),
  };
}

/** What a span of time has. */
type Seen = Omit<Observations, 'times'> & { readonly span: Span; readonly empty: boolean };

function look(all: Observations, span: Span): Seen {
  const part = (list: readonly Observation[]) => within(list, span, ({ row }) => row.time);
  return {
    span,
    empty: within(all.times, span, (time) => time).length === 0,
    successes: part(all.successes),
    deployments: part(all.deployments),
    changes: part(all.changes),
    restored: part(all.restored),
    open: part(all.open),
  };
}

function valuesOf({ span, empty, successes, deployments, changes, restored }: Seen): Record<DoraKey, number | null> {
  const failed = deployments.filter((one) => one.failed).length;
  return {
    deployment_frequency: empty ? null : (successes.length * WEEK) / (span.to - span.from),
    lead_time: quantile(secondsOf(changes), 0.5),
    change_failure_rate: deployments.length === 0 ? null : failed / deployments.length,
    time_to_restore: quantile(secondsOf(restored), 0.5),
  };
}

function durations(observations: readonly Observation[]) {
  return { ...distribution(secondsOf(observations)), n: observations.length };
}

function distribution(values: readonly number[]) {
  return { median: quantile(values, 0.5), p95: quantile(values, 0.95) };
}

function secondsOf(observations: readonly Observation[]): number[] {
  return observations.map(({ seconds = 0 }) => seconds);
}

/** SEED.md, part 7: more than 7 and from 1 and 0.25 deployments a week on; under an hour, a day, a week; up to 15, 30 and 45 %. */
function classOf(key: DoraKey, value: number | null): DoraClass {
  if (value === null) return 'no data';
  const [elite, high, medium] = CLASSES[key];
  return elite(value) ? 'elite' : high(value) ? 'high' : medium(value) ? 'medium' : 'low';
}

type Bounds = readonly [elite: (value: number) => boolean, high: (value: number) => boolean, medium: (value: number) => boolean];

const DURATION: Bounds = [(value) => value < HOUR, (value) => value < 24 * HOUR, (value) => value < 168 * HOUR];
const CLASSES: Readonly<Record<DoraKey, Bounds>> = {
  deployment_frequency: [(value) => value > 7, (value) => value >= 1, (value) => value >= 0.25],
  lead_time: DURATION,
  change_failure_rate: [(value) => value <= 0.15, (value) => value <= 0.3, (value) => value <= 0.45],
  time_to_restore: DURATION,
};

/** More deployments are better; of everything else, less is. */
function direction(key: DoraKey, previous: number | null, value: number | null): DoraFigure['trend']['direction'] {
  if (previous === null || value === null) return 'no data';
  if (previous === value) return 'same';
  return value > previous === (key === 'deployment_frequency') ? 'better' : 'worse';
}

function evidenceOf(observations: readonly Observation[]): DoraEvidence[] {
  return observations.slice(-MOST_EVIDENCE).reverse().map(evidence);
}

function evidence({ row, rests, seconds, failed }: Observation): DoraEvidence {
  return {
    ids: rests.map(({ id }) => id),
    time: row.time,
    ...(row.cycle !== undefined && { cycle_id: row.cycle }),
    ...(row.feature !== undefined && { feature_id: row.feature }),
    ...(seconds !== undefined && { seconds }),
    ...(failed !== undefined && { failed }),
  };
}
