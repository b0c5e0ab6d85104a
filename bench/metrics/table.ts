import type { Connection } from 'mysql2/promise';

const BASE = 1000;
const DAYS = 90;
const PHASES = ['planning', 'development', 'testing', 'deployment', 'incident', 'recovery', 'maintenance'];
const DECISIONS = ['go', 'approved', 'no-go', 'rollback', 'resolved', 'review'];
const DEVELOPERS = ['ana', 'luis', 'marta', 'diego', 'sofía', 'chen', 'noor', 'ola'];

/** Fills `dora_metrics` with `1000 × 2^doublings` rows over the last 90 days, the same ones each time but for their dates. */
export async function fillTable(connection: Connection, doublings: number): Promise<number> {
  const total = BASE * 2 ** doublings;
  const step = (DAYS * 86_400_000_000) / total;
  const began = (Date.now() - DAYS * 86_400_000) * 1000;
  const next = random(4711);
  const pick = (words: readonly string[]) => words[Math.floor(next() * words.length)] as string;
  const rows = Array.from({ length: BASE }, (_, index) => [
    `CYC-${Math.floor(index / 7)}`,
    `FEAT-${Math.floor(index / 14)}`,
    pick(PHASES),
    pick(DECISIONS),
    (next() * 20_000).toFixed(2),
    JSON.stringify({
      developer: pick(DEVELOPERS),
      branch: `feature/${index}`,
      commit_sha: Math.floor(next() * 2 ** 48).toString(16),
      tests_passed: Math.floor(next() * 400),
    }),
    new Date((began + index * step) / 1000).toISOString().slice(0, -1).replace('T', ' '),
  ]);
  const columns = 'cycle_id, feature_id, phase_name, decision, duration_seconds, metadata, created_at';
  await connection.query(`INSERT INTO dora_metrics (${columns}) VALUES ?`, [rows]);
  for (let doubling = 0; doubling < doublings; doubling++) {
    const shift = Math.round(BASE * 2 ** doubling * step);
    await connection.query(
      `INSERT INTO dora_metrics (${columns}) SELECT CONCAT(cycle_id, '.${doubling}'), CONCAT(feature_id, '.${doubling}'),
       phase_name, decision, duration_seconds, metadata, created_at + INTERVAL ${shift} MICROSECOND FROM dora_metrics ORDER BY id`,
    );
    if (process.stderr.isTTY) process.stderr.write(`\r${BASE * 2 ** (doubling + 1)} rows `);
  }
  if (process.stderr.isTTY) process.stderr.write('\r');
  await connection.query('ANALYZE TABLE dora_metrics');
  return total;
}

/** mulberry32: a small seeded generator, so that every run has the same table. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
