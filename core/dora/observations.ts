import type { Micros } from '../contract/index.ts';
import { comparePoints } from '../query/point.ts';
import type { DoraRow } from './row.ts';

/** In any order. */
export interface History {
  /** Rows that deploy, fail or recover, and of each feature the first one of the others. */
  readonly rows: readonly DoraRow[];
  /** Of every row, whatever it tells. */
  readonly times: readonly Micros[];
}

/** Something that happened, counted at the time of `row`. */
export interface Observation {
  readonly row: DoraRow;
  /** The rows that it rests on, the deciding one last. */
  readonly rests: readonly DoraRow[];
  /** Of a duration. */
  readonly seconds?: number;
  /** Of a deployment. */
  readonly failed?: boolean;
}

/** Each list by time and id, oldest first. */
export interface Observations {
  readonly times: readonly Micros[];
  readonly successes: readonly Observation[];
  /** Every deployment row, whether it counts as failed or not. */
  readonly deployments: readonly Observation[];
  /** Features at their first successful deployment, with their lead time. */
  readonly changes: readonly Observation[];
  readonly restored: readonly Observation[];
  /** Failures that are not restored yet. */
  readonly open: readonly Observation[];
}

/** Reads a history for all that the four keys count. */
export function observe(history: History): Observations {
  const rows = [...history.rows].sort((a, b) => comparePoints('oldest', a, b));
  const times = [...history.times].sort((a, b) => a - b);
  const successes = rows.filter((row) => row.deployed === 'success').map((row) => ({ row, rests: [row] }));
  return { times, successes, deployments: deployments(rows), changes: changes(rows), ...episodes(rows) };
}

/** A deployment failed when it says so, or when a failing row of its cycle comes later; from the end on, the nearest is known. */
function deployments(rows: readonly DoraRow[]): Observation[] {
  const found: Observation[] = [];
  const failing = new Map<string, DoraRow>();
  for (let at = rows.length - 1; at >= 0; at--) {
    const row = rows[at] as DoraRow;
    const later = row.cycle === undefined ? undefined : failing.get(row.cycle);
    if (row.deployed === 'failure') found.push({ row, rests: [row], failed: true });
    else if (row.deployed) found.push({ row, rests: later ? [row, later] : [row], failed: later !== undefined });
    if (row.failing && row.cycle !== undefined) failing.set(row.cycle, row);
  }
  return found.reverse();
}

function changes(rows: readonly DoraRow[]): Observation[] {
  const found: Observation[] = [];
  const first = new Map<string, DoraRow>();
  const deployed = new Set<string>();
  for (const row of rows) {
    const { feature } = row;
    if (feature === undefined || deployed.has(feature)) continue;
    const begin = first.get(feature) ?? row;
    first.set(feature, begin);
    if (row.deployed !== 'success') continue;
    deployed.add(feature);
    found.push({ row, rests: begin === row ? [row] : [begin, row], seconds: secondsBetween(begin, row) });
  }
  return found;
}

/** The first failing row of a cycle opens an episode, its next recovered row closes it. */
function episodes(rows: readonly DoraRow[]): Pick<Observations, 'restored' | 'open'> {
  const restored: Observation[] = [];
  const open = new Map<string, DoraRow>();
  for (const row of rows) {
    const { cycle } = row;
    if (cycle === undefined) continue;
    const began = open.get(cycle);
    if (!began && row.failing) open.set(cycle, row);
    if (!began || !row.recovered) continue;
    open.delete(cycle);
    restored.push({ row: began, rests: [began, row], seconds: secondsBetween(began, row) });
  }
  // They were found by their end, and are counted by their beginning.
  restored.sort((a, b) => comparePoints('oldest', a.row, b.row));
  return { restored, open: [...open.values()].map((row) => ({ row, rests: [row] })) };
}

function secondsBetween(begin: DoraRow, end: DoraRow): number {
  return (end.time - begin.time) / 1e6;
}
