// @ts-check
/** @typedef {import('./history.js').Commit} Commit */

const TAKES_BACK = /^(Revert|Reapply) "(.*)"(?: \(#\d+\))?$/;

/**
 * The commit that a message says it takes back, as `git revert` and GitHub write it: by its hash, else by its subject.
 * @param {Commit} commit
 * @returns {{ readonly sha?: string, readonly subject: string } | undefined}
 */
export function takenBackBy({ subject, body }) {
  const [, verb, quoted = ''] = TAKES_BACK.exec(subject) ?? [];
  if (verb === undefined) return undefined;
  const sha = /\bThis reverts commit ([0-9a-f]{7,64})\b/.exec(body)?.[1];
  return { ...(sha !== undefined && { sha }), subject: verb === 'Reapply' ? `Revert "${quoted}"` : quoted };
}

/**
 * Hashes of what a message says it fixes, as the Linux kernel's trailer does: `Fixes: 54a4f0239f2e ("subject")`.
 * @param {Commit} commit
 */
export function fixedBy({ body }) {
  return [...body.matchAll(/^Fixes: ([0-9a-f]{7,64})\b/gim)].map(([, sha = '']) => sha);
}

/**
 * The branch that a merge names; none when it is a main line itself, which a `git pull` merges.
 * @param {Commit} merge
 */
export function branchOf({ subject }) {
  const match =
    /^Merge pull request #\d+ from [^/\s]+\/(\S+)/.exec(subject) ?? /^Merge (?:remote-tracking )?branch '([^']+)'/.exec(subject);
  const branch = match?.[1]?.replace(/^origin\//, '');
  return branch && !/^(main|master|trunk|develop)$/.test(branch) ? branch : undefined;
}
