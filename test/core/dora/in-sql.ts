import { type Database, openDatabase } from '../../../core/state/sqlite.ts';

/** A row as the table of SEED.md holds it; the time in microseconds. */
export interface TableRow {
  readonly id: string;
  readonly time: number;
  readonly cycle_id: string | null;
  readonly feature_id: string | null;
  readonly phase_name: string | null;
  readonly decision: string | null;
}

type Value = number | null;

export interface SqlFigures {
  readonly deployment_frequency: Value;
  readonly lead_time: readonly [median: Value, p95: Value];
  readonly change_failure_rate: Value;
  readonly time_to_restore: readonly [median: Value, p95: Value];
  readonly successes: number;
  /** Newest first, each as text: the ids it rests on, and what it says. */
  readonly deployments: readonly string[];
  readonly changes: readonly string[];
  readonly restored: readonly string[];
  readonly open: readonly string[];
}

/**
 * The four keys in SQL, written from the definitions in docs/dora.md and from nothing of core/dora. `:from` and `:to` are the
 * window. An episode is an island here: the failing rows of a cycle between two recovered ones.
 */
const ROWS = `
  CREATE TABLE k AS
  WITH worded AS (
    SELECT id, t, NULLIF(cycle_id, '') AS c, NULLIF(feature_id, '') AS f,
      lower(replace(replace(phase_name, '_', '-'), ' ', '-')) AS p,
      lower(replace(replace(coalesce(decision, ''), '_', '-'), ' ', '-')) AS d
    FROM dora_metrics WHERE coalesce(phase_name, '') <> ''
  ), told AS (
    SELECT *, p = 'deployment' AND d IN ('go', 'approved', 'success') AS ok,
      p = 'deployment' AND d IN ('no-go', 'rejected', 'rollback', 'failed', 'blocked') AS bad,
      d IN ('resolved', 'fixed') AS recovered
    FROM worded
  )
  SELECT *, bad OR d = 'rollback' OR (p = 'incident' AND NOT recovered) AS failing,
    ROW_NUMBER() OVER (ORDER BY t, id) AS pos
  FROM told`;

const CHANGES = `
  WITH begun AS (SELECT f, MIN(pos) AS pos FROM k WHERE f IS NOT NULL GROUP BY f),
    live AS (SELECT f, MIN(pos) AS pos FROM k WHERE f IS NOT NULL AND ok GROUP BY f)
  SELECT a.id AS a, b.id AS b, (b.t - a.t) / 1e6 AS v, b.pos AS pos
  FROM begun JOIN live USING (f) JOIN k a ON a.pos = begun.pos JOIN k b ON b.pos = live.pos
  WHERE b.t >= ?1 AND b.t < ?2`;

const DEPLOYMENTS = `
  SELECT id, pos, bad OR EXISTS (SELECT 1 FROM k x WHERE x.c = k.c AND x.failing AND x.pos > k.pos) AS failed
  FROM k WHERE (ok OR bad) AND t >= ?1 AND t < ?2`;

const EPISODES = `
  WITH islands AS (
    SELECT c, pos, failing, SUM(recovered) OVER (PARTITION BY c ORDER BY pos ROWS UNBOUNDED PRECEDING) AS island
    FROM k WHERE c IS NOT NULL
  ), began AS (SELECT c, MIN(pos) AS pos FROM islands WHERE failing GROUP BY c, island),
    ended AS (SELECT began.pos, (SELECT MIN(pos) FROM k WHERE k.c = began.c AND recovered AND k.pos > began.pos) AS until FROM began)
  SELECT a.id AS a, b.id AS b, (b.t - a.t) / 1e6 AS v, a.pos AS pos
  FROM ended JOIN k a ON a.pos = ended.pos LEFT JOIN k b ON b.pos = ended.until
  WHERE a.t >= ?1 AND a.t < ?2`;

/** PERCENTILE_CONT of `v`; `?3` is the quantile. */
function percentile(observations: string): string {
  return `
    WITH obs AS (SELECT v FROM (${observations}) WHERE v IS NOT NULL),
      ranked AS (SELECT v, ROW_NUMBER() OVER (ORDER BY v) - 1 AS i, (COUNT(*) OVER () - 1) * ?3 AS h FROM obs)
    SELECT MAX(CASE WHEN i = CAST(h AS INTEGER) THEN v END) * (1 - (h - CAST(h AS INTEGER)))
      + coalesce(MAX(CASE WHEN i = CAST(h AS INTEGER) + 1 THEN v END), 0) * (h - CAST(h AS INTEGER)) AS v FROM ranked`;
}

export function openTable(rows: readonly TableRow[]): Database {
  const database = openDatabase(':memory:');
  database.exec('CREATE TABLE dora_metrics (id TEXT, t INTEGER, cycle_id TEXT, feature_id TEXT, phase_name TEXT, decision TEXT)');
  const insert = database.prepare('INSERT INTO dora_metrics VALUES (?, ?, ?, ?, ?, ?)');
  for (const row of rows) insert.run(row.id, row.time, row.cycle_id, row.feature_id, row.phase_name, row.decision);
  database.exec(ROWS);
  database.exec('CREATE INDEX k_c ON k (c, pos); CREATE UNIQUE INDEX k_pos ON k (pos)');
  return database;
}

export function figuresInSql(database: Database, from: number, to: number): SqlFigures {
  const all = (sql: string) => database.prepare(sql).all(from, to);
  const one = (sql: string, ...more: number[]) => (database.prepare(sql).get(from, to, ...more)?.['v'] ?? null) as Value;
  const quantiles = (sql: string) => [one(percentile(sql), 0.5), one(percentile(sql), 0.95)] as const;
  const newest = 'ORDER BY pos DESC';
  return {
    deployment_frequency: one(
      'SELECT CASE WHEN count(*) > 0 THEN sum(ok) / ((?2 - ?1) / 604800000000.0) END AS v FROM k WHERE t >= ?1 AND t < ?2',
    ),
    successes: one('SELECT coalesce(sum(ok), 0) AS v FROM k WHERE t >= ?1 AND t < ?2') ?? 0,
    change_failure_rate: one(`SELECT avg(failed) AS v FROM (${DEPLOYMENTS})`),
    lead_time: quantiles(CHANGES),
    time_to_restore: quantiles(EPISODES),
    deployments: all(`${DEPLOYMENTS} ${newest}`).map(({ id, failed }) => `${id} ${Boolean(failed)}`),
    changes: all(`${CHANGES} ${newest}`).map(({ a, b, v }) => `${a}..${b} ${v}`),
    restored: all(`SELECT * FROM (${EPISODES}) WHERE b IS NOT NULL ${newest}`).map(({ a, b, v }) => `${a}..${b} ${v}`),
    open: all(`SELECT * FROM (${EPISODES}) WHERE b IS NULL ${newest}`).map(({ a }) => String(a)),
  };
}

const STEPS = {
  day: ["unixepoch(?1 / 1000000, 'unixepoch', 'start of day')", "unixepoch(g, 'unixepoch', '+1 day')"],
  // The Monday on or before: the next Sunday, that day included, less six days.
  week: ["unixepoch(?1 / 1000000, 'unixepoch', 'start of day', 'weekday 0', '-6 days')", "unixepoch(g, 'unixepoch', '+7 days')"],
  month: ["unixepoch(?1 / 1000000, 'unixepoch', 'start of month')", "unixepoch(g, 'unixepoch', '+1 month')"],
} as const;

/** Begins of the groups that the window touches, by SQLite's own calendar. */
export function groupsInSql(database: Database, from: number, to: number, group: keyof typeof STEPS): number[] {
  const [first, next] = STEPS[group];
  const sql = `WITH RECURSIVE groups (g) AS (SELECT ${first} UNION ALL SELECT ${next} FROM groups WHERE ${next} * 1000000 < ?2) SELECT g FROM groups`;
  return database
    .prepare(sql)
    .all(from, to)
    .map(({ g }) => Number(g) * 1_000_000);
}
