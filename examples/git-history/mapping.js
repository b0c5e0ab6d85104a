// @ts-check
import { Cycle, isPossible } from './cycles.js';
import { branchOf, fixedBy, takenBackBy } from './messages.js';

/**
 * @typedef {import('./history.js').Commit} Commit
 * @typedef {import('./history.js').History} History
 * @typedef {import('./cycles.js').Row} Row
 */

/**
 * The rows of a history, along its main line from the oldest commit to the newest. README.md tells the rules. What a commit
 * gives depends on what came before it and on nothing that comes later, so that a longer history gives the same rows and more.
 * @param {History} history
 * @param {{ cycles: string, now: number }} options `now` in seconds since 1970: a row that is more than a day later is left out.
 */
export function rowsOf(history, { cycles, now }) {
  const line = mainLine(history);
  const byTag = cycles === 'tags' || (cycles === 'auto' && line.some(({ sha }) => history.tags.has(sha)));
  const mapping = new Mapping(history, byTag, now);
  for (const commit of line) mapping.take(commit);
  return { rows: mapping.rows, remarks: mapping.remarks() };
}

class Mapping {
  /**
   * @param {History} history
   * @param {boolean} byTag
   * @param {number} now
   */
  constructor(history, byTag, now) {
    this.history = history;
    this.byTag = byTag;
    this.now = now;
    /** @type {Row[]} */
    this.rows = [];
    /** @type {Map<string, Cycle>} The cycle of each commit so far, by its hash. */
    this.cycles = new Map();
    /** @type {Map<string, string>} Hashes by subject, of the last commit that has it. */
    this.subjects = new Map();
    /** @type {Set<string>} Commits that took another one back. */
    this.rollbacks = new Set();
    /** @type {Cycle | undefined} The commits since the last tag. */
    this.release = undefined;
    this.impossible = 0;
    this.unknown = 0;
  }

  remarks() {
    const remarks = [];
    if (this.impossible > 0)
      remarks.push(`${this.impossible} rows are left out: their time is before 1970 or more than a day in the future`);
    if (this.unknown > 0) remarks.push(`${this.unknown} reverts name a commit that is not in this history; they are taken as changes`);
    return remarks;
  }

  /** @param {Commit} commit The next one on the main line. */
  take(commit) {
    if (commit.parents.length > 1) this.takeMerge(commit);
    else this.takeCommit(commit);
    const tag = this.history.tags.get(commit.sha);
    if (!tag || !this.release) return;
    this.add(this.release, 'deployment', 'go', Math.max(tag.time, commit.committed), commit, { tags: [tag.name] });
    this.release = undefined;
  }

  /** @param {Commit} commit */
  takeCommit(commit) {
    if (this.takeBack(commit, commit.committed)) return;
    const cycle = this.cycleFor(commit);
    this.add(cycle, commit.testsOnly ? 'testing' : 'development', 'go', commit.authored, commit);
    if (!this.byTag) this.add(cycle, 'deployment', 'go', commit.committed, commit);
    this.remember(commit, cycle);
    this.mend(commit, commit.committed);
  }

  /** @param {Commit} commit */
  cycleFor({ sha, edge }) {
    if (!this.byTag) return new Cycle(`commit-${sha.slice(0, 12)}`, { incomplete: edge });
    this.release ??= new Cycle(`run-${sha.slice(0, 12)}`, { incomplete: edge });
    return this.release;
  }

  /** @param {Commit} merge */
  takeMerge(merge) {
    const { commits, incomplete } = this.broughtBy(merge);
    const time = merge.committed;
    const changes = commits.filter((commit) => isAmong(takenBackBy(commit), commits) || !this.takeBack(commit, time));
    const branch = branchOf(merge);
    const about = { feature: branch, branch, incomplete };
    const cycle = new Cycle(`merge-${merge.sha.slice(0, 12)}`, about);
    this.remember(merge, cycle);
    // What only takes back is no change of its own.
    if (changes.length === 0 && commits.length > 0) return;
    for (const [index, commit] of changes.entries()) {
      const phase = index === 0 ? 'planning' : commit.testsOnly ? 'testing' : 'development';
      this.add(cycle, phase, 'go', commit.authored, commit);
      this.remember(commit, cycle);
    }
    const size = changes.reduce((sum, commit) => sum + commit.size, 0);
    this.add(cycle, 'deployment', 'go', time, { ...merge, size });
    for (const commit of [...changes, merge]) this.mend(commit, time);
  }

  /**
   * What a merge brought to the main line, in the order of its making; merges on the branch itself are no work of their own.
   * @param {Commit} merge
   */
  broughtBy(merge) {
    const open = merge.parents.slice(1);
    /** @type {Set<Commit>} */
    const found = new Set();
    for (let sha = open.pop(); sha !== undefined; sha = open.pop()) {
      const commit = this.history.commits.get(sha);
      if (!commit || this.cycles.has(sha) || found.has(commit)) continue;
      found.add(commit);
      open.push(...commit.parents);
    }
    const all = [...found].sort((a, b) => a.authored - b.authored || a.committed - b.committed || (a.sha < b.sha ? -1 : 1));
    const incomplete = merge.edge || all.some(({ edge }) => edge);
    const inner = all.filter(({ parents }) => parents.length > 1);
    const placeholder = new Cycle('', { incomplete: true });
    for (const { sha } of inner) this.cycles.set(sha, placeholder);
    return { commits: all.filter(({ parents }) => parents.length < 2), incomplete };
  }

  /**
   * A commit that takes back one of another cycle is a rollback of that; one that takes back the rollback mends it.
   * @param {Commit} commit
   * @param {number} time When it came to the main line.
   * @returns {boolean} Whether it did.
   */
  takeBack(commit, time) {
    const named = takenBackBy(commit);
    if (!named) return false;
    const sha = this.find(named.sha) ?? this.find(this.subjects.get(named.subject));
    const cycle = sha && this.cycles.get(sha);
    if (!sha || !cycle) {
      this.unknown++;
      return false;
    }
    // What is not in production yet is changed, not rolled back.
    if (!cycle.deployed) return false;
    const mends = this.rollbacks.has(sha);
    this.add(cycle, 'recovery', mends ? 'fixed' : 'rollback', time, commit);
    cycle.failed = !mends;
    if (!mends) this.rollbacks.add(commit.sha);
    this.remember(commit, cycle);
    return true;
  }

  /**
   * A commit that says it fixes one of a cycle that was rolled back mends it.
   * @param {Commit} commit
   * @param {number} time
   */
  mend(commit, time) {
    for (const sha of fixedBy(commit)) {
      const cycle = this.cycles.get(this.find(sha) ?? '');
      if (!cycle?.failed) continue;
      this.add(cycle, 'recovery', 'fixed', time, commit);
      cycle.failed = false;
    }
  }

  /**
   * @param {Cycle} cycle
   * @param {string} phase
   * @param {string} decision
   * @param {number} time
   * @param {Commit} commit
   * @param {Record<string, unknown>} [more]
   */
  add(cycle, phase, decision, time, commit, more) {
    const row = cycle.row(phase, decision, time, commit, more);
    if (phase === 'deployment') cycle.deployed = true;
    if (cycle.incomplete) return;
    if (isPossible(time, this.now)) this.rows.push(row);
    else this.impossible++;
  }

  /** @param {Commit} commit @param {Cycle} cycle */
  remember({ sha, subject }, cycle) {
    this.cycles.set(sha, cycle);
    this.subjects.set(subject, sha);
  }

  /**
   * The whole hash of a commit so far.
   * @param {string | undefined} sha
   */
  find(sha) {
    if (sha === undefined || this.cycles.has(sha)) return sha;
    for (const known of this.cycles.keys()) if (known.startsWith(sha)) return known;
    return undefined;
  }
}

/**
 * The first parents of HEAD, oldest first.
 * @param {History} history
 */
function mainLine({ commits, head }) {
  const line = [];
  for (let at = commits.get(head ?? ''); at; at = commits.get(at.parents[0] ?? '')) line.push(at);
  return line.reverse();
}

/**
 * @param {ReturnType<typeof takenBackBy>} named
 * @param {readonly Commit[]} commits
 */
function isAmong(named, commits) {
  if (!named) return false;
  const { sha, subject } = named;
  return commits.some((commit) => (sha === undefined ? commit.subject === subject : commit.sha.startsWith(sha)));
}
