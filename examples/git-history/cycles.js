// @ts-check
import { createHash } from 'node:crypto';

/**
 * @typedef {import('./history.js').Commit} Commit
 *
 * @typedef {object} Row A row of `dora_metrics`.
 * @property {string} cycle_id
 * @property {string} feature_id
 * @property {string} phase_name
 * @property {string} decision
 * @property {number} duration_seconds Since the row before it in the cycle.
 * @property {Record<string, unknown>} metadata
 * @property {string} created_at
 */

const DAY = 86_400;
const LONGEST_NAME = 50;
const LONGEST_NOTES = 500;
/** duration_seconds is a DECIMAL(10,2). */
const LONGEST_DURATION = 99_999_999;

/** Changes that go into production together, with their rows. */
export class Cycle {
  /**
   * @param {string} id
   * @param {{ feature?: string | undefined, branch?: string | undefined, incomplete?: boolean }} about A cycle of which a part is missing makes no rows.
   */
  constructor(id, { feature = id, branch, incomplete = false }) {
    this.id = id;
    this.feature = named(feature);
    this.branch = branch;
    this.incomplete = incomplete;
    this.deployed = false;
    /** It was rolled back, and not mended since. */
    this.failed = false;
    /** @type {number | undefined} */
    this.last = undefined;
    this.count = 0;
  }

  /**
   * @param {string} phase
   * @param {string} decision
   * @param {number} time Seconds since 1970.
   * @param {Commit} commit
   * @param {Record<string, unknown>} [more] More of its metadata.
   * @returns {Row}
   */
  row(phase, decision, time, commit, more = {}) {
    const elapsed = time - (this.last ?? time);
    this.last = time;
    // Git keeps whole seconds; the rows of a cycle are told apart, and kept in order, by their number as microseconds.
    const micros = String(this.count++ % 1_000_000).padStart(6, '0');
    const { developer, sha, subject, size } = commit;
    return {
      cycle_id: this.id,
      feature_id: this.feature,
      phase_name: phase,
      decision,
      duration_seconds: Math.min(LONGEST_DURATION, Math.max(0, elapsed)),
      metadata: {
        developer,
        ...(this.branch !== undefined && { branch: this.branch }),
        commit_sha: sha,
        notes: shorten(subject),
        code_changes_size: size,
        ...more,
      },
      created_at: isPossible(time) ? `${new Date(time * 1000).toISOString().slice(0, 19)}.${micros}Z` : '',
    };
  }
}

/** @param {number} time */
export function isPossible(time, now = Number.MAX_SAFE_INTEGER) {
  return time >= 0 && time <= Math.min(now + DAY, 253_402_300_799);
}

/**
 * A name that fits its column; a longer one ends with a hash of it, so that it stays one of its own.
 * @param {string} name
 */
function named(name) {
  if ([...name].length <= LONGEST_NAME) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${[...name].slice(0, LONGEST_NAME - 9).join('')}-${hash}`;
}

/** @param {string} text */
function shorten(text) {
  const characters = [...text];
  return characters.length <= LONGEST_NOTES ? text : `${characters.slice(0, LONGEST_NOTES - 1).join('')}…`;
}
