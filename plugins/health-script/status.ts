/** From best to worst: critical > warning > unknown > ok, as `max_state_alt` of the Nagios plugins has it (`lib/utils_base.c`). */
export const STATUSES = ['ok', 'unknown', 'warning', 'critical'] as const;
export type Status = (typeof STATUSES)[number];

const WORDS: Readonly<Record<Exclude<Status, 'unknown'>, readonly string[]>> = {
  ok: ['ok', 'okay', 'pass', 'passed', 'passing', 'healthy', 'up', 'success', 'successful', 'green', 'true', 'good', 'normal', 'running'],
  warning: ['warning', 'warn', 'degraded', 'yellow', 'amber'],
  critical: ['critical', 'crit', 'fail', 'failed', 'failing', 'failure', 'error', 'unhealthy', 'down', 'red', 'false', 'fatal', 'dead'],
};
const BY_WORD = new Map<string, Status>(Object.entries(WORDS).flatMap(([status, words]) => words.map((word) => [word, status as Status])));

/** The status that a script's word or boolean means; `undefined` when it is no known one. */
export function statusOf(said: unknown): Status | undefined {
  if (typeof said !== 'string' && typeof said !== 'boolean') return undefined;
  const word = String(said).trim().toLowerCase();
  return word === 'unknown' ? 'unknown' : BY_WORD.get(word);
}

/** The worst of them; `ok` when there are none. */
export function worst(statuses: Iterable<Status>): Status {
  let found: Status = 'ok';
  for (const status of statuses) if (STATUSES.indexOf(status) > STATUSES.indexOf(found)) found = status;
  return found;
}
