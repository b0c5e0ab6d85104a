// @ts-check
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const MOST_BYTES = 500 * 1024 * 1024;
/** What a commit's message cannot hold. */
const RECORD = '\0\0';
const PART = '\0';

/** Settings of the user's must not change what is told, since the same commit must give the same row. */
const FIXED = [
  ...[
    'core.quotePath=false',
    'log.showSignature=false',
    'log.showRoot=true',
    'log.diffMerges=off',
    'log.follow=false',
    'diff.relative=false',
  ],
  'diff.ignoreSubmodules=none',
].flatMap((setting) => ['-c', setting]);
const DIFF = ['--numstat', '--no-renames', '--no-ext-diff', '--no-textconv', '--diff-algorithm=myers', '--encoding=UTF-8'];

/**
 * @typedef {object} Commit
 * @property {string} sha
 * @property {readonly string[]} parents
 * @property {string} developer
 * @property {number} authored Seconds since 1970.
 * @property {number} committed Seconds since 1970.
 * @property {string} subject
 * @property {string} body
 * @property {number} size Lines added and removed.
 * @property {boolean} testsOnly It touches tests and nothing else.
 * @property {boolean} edge Its parents are missing in a shallow clone, so that its size is not what it says.
 *
 * @typedef {object} Tag
 * @property {string} name
 * @property {number} time When it was made, or for a lightweight one when its commit was; seconds since 1970.
 *
 * @typedef {object} History
 * @property {ReadonlyMap<string, Commit>} commits Everything that HEAD leads to, by its hash.
 * @property {string | undefined} head
 * @property {ReadonlyMap<string, Tag>} tags The oldest one of each commit, by its hash.
 * @property {readonly string[]} remarks
 */

/** There is no git here, or no repository. */
export class Unusable extends Error {}

/**
 * @param {string} repository
 * @returns {Promise<History>}
 */
export async function readHistory(repository) {
  const shallow = (await ask(repository, ['rev-parse', '--is-shallow-repository'])).trim() === 'true';
  const edge = shallow ? await readEdge(repository) : new Set();
  const remarks = shallow
    ? ['this is a shallow clone: cycles that reach its edge are left out (git fetch --unshallow fetches the rest)']
    : [];
  const head = (await askQuietly(repository, ['rev-parse', '--verify', '--quiet', 'HEAD'])).trim() || undefined;
  if (!head) return { commits: new Map(), head, tags: new Map(), remarks: ['there is no commit yet'] };
  // What a later .gitattributes says must not change the size of an older commit, so git is shown neither files nor an index, from a folder without any.
  const folder = (await ask(repository, ['rev-parse', '--absolute-git-dir'])).trim();
  const bare = { GIT_DIR: folder, GIT_WORK_TREE: folder, GIT_INDEX_FILE: join(folder, 'no-index') };
  const [log, tags] = await Promise.all([
    ask(folder, ['log', ...DIFF, '--format=%x00%x00%H%n%P%n%an%n%at %ct%n%B%x00', 'HEAD', '--'], bare),
    ask(repository, ['for-each-ref', '--format=%(objectname) %(*objectname) %(creatordate:unix) %(refname:lstrip=2)', 'refs/tags']),
  ]);
  const commits = log
    .split(RECORD)
    .slice(1)
    .map((text) => parseCommit(text, edge));
  return { commits: new Map(commits.map((commit) => [commit.sha, commit])), head, tags: parseTags(tags), remarks };
}

/**
 * @param {string} text
 * @param {ReadonlySet<unknown>} edge
 * @returns {Commit}
 */
function parseCommit(text, edge) {
  const [message = '', changes = ''] = text.split(PART);
  const [sha = '', parents = '', developer = '', times = '', subject = '', ...body] = message.split('\n');
  const [authored = 0, committed = 0] = times.split(' ').map(Number);
  const lines = changes.split('\n').filter((line) => line !== '');
  const files = lines.map((line) => line.split('\t'));
  return {
    sha,
    parents: parents === '' ? [] : parents.split(' '),
    developer,
    authored,
    committed,
    subject,
    body: body.join('\n'),
    // Of a binary file git tells no lines, but a dash.
    size: files.reduce((sum, [added, removed]) => sum + (Number(added) || 0) + (Number(removed) || 0), 0),
    testsOnly: files.length > 0 && files.every(([, , path = '']) => isTest(path)),
    edge: edge.has(sha),
  };
}

/** @param {string} path */
function isTest(path) {
  return /(^|[/"])(tests?|spec|__tests__)\//i.test(path) || /[._-](test|spec)\.\w+"?$/i.test(path);
}

/**
 * @param {string} text
 * @returns {Map<string, Tag>}
 */
function parseTags(text) {
  /** @type {Map<string, Tag>} */
  const tags = new Map();
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const [object = '', peeled = '', seconds = '', ...name] = line.split(' ');
    const tag = { name: name.join(' '), time: Number(seconds) };
    const other = tags.get(peeled || object);
    if (!other || tag.time < other.time) tags.set(peeled || object, tag);
  }
  return tags;
}

/** @param {string} repository */
async function readEdge(repository) {
  const path = (await ask(repository, ['rev-parse', '--path-format=absolute', '--git-path', 'shallow'])).trim();
  return new Set((await readFile(path, 'utf8')).split('\n'));
}

/**
 * @param {string} repository
 * @param {readonly string[]} args
 * @param {Record<string, string>} [more] Besides the environment.
 */
async function ask(repository, args, more = {}) {
  // Another repository may be named in the environment, as git does for its hooks.
  const { GIT_DIR: _dir, GIT_WORK_TREE: _tree, GIT_INDEX_FILE: _index, ...inherited } = process.env;
  const env = { ...inherited, ...more, LC_ALL: 'C', GIT_NO_REPLACE_OBJECTS: '1' };
  try {
    return (await run('git', ['-C', repository, ...FIXED, ...args], { maxBuffer: MOST_BYTES, env })).stdout;
  } catch (error) {
    const { code, stderr = '', message } = /** @type {{ code?: unknown, stderr?: string, message: string }} */ (error);
    if (code === 'ENOENT') throw new Unusable('git is not installed');
    throw new Unusable(`${repository} has no history that git can read (${stderr.trim().split('\n')[0] || message})`);
  }
}

/**
 * @param {string} repository
 * @param {readonly string[]} args
 */
async function askQuietly(repository, args) {
  return ask(repository, args).catch(() => '');
}
