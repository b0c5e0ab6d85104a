import { execFile } from 'node:child_process';
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../core/contract/index.ts';
import { repository, scratch } from '../integration/agent.ts';
import { Stage } from '../plugins/sqlite-metrics/stage.ts';

const run = promisify(execFile);
const program = join(repository, 'examples/git-history/import.js');
const NOON = Date.parse('2025-11-07T12:00:00Z') / 1000;

let place: Awaited<ReturnType<typeof scratch>>;
let clock: number;
beforeEach(async () => {
  place = await scratch();
  clock = NOON;
  await git('init', '-q', '-b', 'main');
});
afterEach(() => place.remove());

/** Each command happens a minute after the one before, whatever is configured on this machine. */
async function git(...args: readonly string[]): Promise<string> {
  clock += 60;
  const date = `${clock} -0600`;
  const who = { GIT_AUTHOR_NAME: 'Ana', GIT_AUTHOR_EMAIL: 'a@x', GIT_COMMITTER_NAME: 'Ana', GIT_COMMITTER_EMAIL: 'a@x' };
  const env = {
    ...process.env,
    ...who,
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_DATE: date,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_SYSTEM: '/dev/null',
  };
  return (await run('git', ['-C', place.folder, '-c', 'commit.gpgsign=false', ...args], { env })).stdout.trim();
}

/** Adds a line to a file, and commits that. */
async function commit(subject: string, file = 'src/a.js', ...more: readonly string[]): Promise<string> {
  await mkdir(dirname(join(place.folder, file)), { recursive: true });
  await appendFile(join(place.folder, file), `${subject}\n`);
  await git('add', '.');
  await git('commit', '-q', '-m', subject, ...more);
  return git('rev-parse', 'HEAD');
}

async function importAll(folder = place.folder, ...args: readonly string[]): Promise<{ rows: JsonObject[]; said: string }> {
  const { stdout, stderr } = await run(process.execPath, [program, '--repo', folder, ...args]);
  const lines = stdout.split('\n').filter((line) => line !== '');
  return { rows: lines.map((line) => JSON.parse(line) as JsonObject), said: stderr };
}

/** What is asserted of most rows: cycle, phase, decision. */
function told(rows: readonly JsonObject[]): string[] {
  return rows.map(({ feature_id, phase_name, decision }) => `${feature_id} ${phase_name} ${decision}`);
}

const short = (prefix: string, sha: string) => `${prefix}-${sha.slice(0, 12)}`;

describe('the history of a repository', () => {
  it('of commits on the main line is a deployment each', async () => {
    const one = await commit('Begin');
    const two = await commit('Test it', 'test/a.test.js');
    const { rows, said } = await importAll();
    expect(said).toBe('');
    const [first, second] = [short('commit', one), short('commit', two)];
    expect(told(rows)).toEqual([`${first} development go`, `${first} deployment go`, `${second} testing go`, `${second} deployment go`]);
    expect(rows[0]).toEqual({
      cycle_id: first,
      feature_id: first,
      phase_name: 'development',
      decision: 'go',
      duration_seconds: 0,
      metadata: { developer: 'Ana', commit_sha: one, notes: 'Begin', code_changes_size: 1 },
      created_at: '2025-11-07T12:03:00.000000Z',
    });
    expect(rows[1]?.['created_at']).toBe('2025-11-07T12:03:00.000001Z');
  });

  it('of merges is a cycle each, by the name of its branch', async () => {
    await commit('Begin');
    await git('switch', '-q', '-c', 'feature/login');
    await commit('Ask for a name');
    await commit('Ask for a password');
    await commit('Test both', 'test/login.test.js');
    await git('switch', '-q', 'main');
    await git('merge', '-q', '--no-ff', 'feature/login', '-m', "Merge branch 'feature/login'");
    const merge = await git('rev-parse', 'HEAD');
    const { rows } = await importAll();
    const cycle = rows.slice(2);
    expect(cycle.map(({ cycle_id }) => cycle_id)).toEqual(cycle.map(() => short('merge', merge)));
    expect(told(cycle)).toEqual([
      'feature/login planning go',
      'feature/login development go',
      'feature/login testing go',
      'feature/login deployment go',
    ]);
    expect(cycle[3]).toMatchObject({ metadata: { branch: 'feature/login', commit_sha: merge, code_changes_size: 3 } });
    expect(cycle[1]).toMatchObject({ duration_seconds: 180 });
  });

  it('with tags is a cycle from tag to tag, and what no tag has is not deployed', async () => {
    const one = await commit('Begin');
    await commit('Go on');
    await git('tag', '-a', 'v1.0', '-m', 'One');
    const three = await commit('Go on further');
    const { rows } = await importAll();
    const [first, second] = [short('run', one), short('run', three)];
    expect(told(rows)).toEqual([
      `${first} development go`,
      `${first} development go`,
      `${first} deployment go`,
      `${second} development go`,
    ]);
    expect(rows[2]).toMatchObject({ metadata: { tags: ['v1.0'] }, created_at: '2025-11-07T12:08:00.000002Z' });
    expect(told((await importAll(place.folder, '--cycles', 'commits')).rows)).toContain(`${short('commit', three)} deployment go`);
  });

  it('with a revert is a rollback in the cycle of what it takes back, and mended when that comes again', async () => {
    await commit('Begin');
    const bad = await commit('Break it');
    await git('revert', '--no-edit', bad);
    await commit('Fix a typo', 'README.md');
    const cycle = async () =>
      (await importAll()).rows
        .filter(({ cycle_id }) => cycle_id === short('commit', bad))
        .map(({ phase_name, decision }) => `${phase_name} ${decision}`);
    expect(await cycle()).toEqual(['development go', 'deployment go', 'recovery rollback']);
    const { rows } = await importAll();
    // The revert is no change of its own; a fix that names nothing is one like any other.
    expect(told(rows).filter((row) => row.endsWith('deployment go'))).toHaveLength(3);
    await git('revert', '--no-edit', 'HEAD~1');
    expect(await cycle()).toEqual(['development go', 'deployment go', 'recovery rollback', 'recovery fixed']);
  });

  it('with a commit that names what it fixes is mended by that', async () => {
    await commit('Begin');
    const bad = await commit('Break it');
    await git('revert', '--no-edit', bad);
    const mended = await commit('Do it right', 'src/b.js', '-m', `Fixes: ${bad.slice(0, 12)} ("Break it")`);
    await commit('Do it better', 'src/b.js', '-m', `Fixes: ${mended.slice(0, 12)} ("Do it right")`);
    const recovered = (await importAll()).rows.filter(({ decision }) => decision === 'fixed');
    expect(recovered).toMatchObject([{ cycle_id: short('commit', bad), metadata: { commit_sha: mended } }]);
  });

  it('with a revert that was merged is a rollback when it came to the main line', async () => {
    await commit('Begin');
    await git('switch', '-q', '-c', 'feature');
    await commit('Add a feature');
    const inner = await commit('Try something');
    await git('revert', '--no-edit', inner);
    await git('switch', '-q', 'main');
    await git('merge', '-q', '--no-ff', 'feature', '-m', 'Merge pull request #7 from ana/feature');
    await git('switch', '-q', '-c', 'revert-7');
    await git('revert', '--no-edit', '-m', '1', 'main');
    await git('switch', '-q', 'main');
    await git('merge', '-q', '--no-ff', 'revert-7', '-m', 'Merge pull request #8 from ana/revert-7');
    const { rows, said } = await importAll();
    expect(said).toBe('');
    const features = told(rows.slice(2));
    // What a branch takes back of itself was never in production.
    expect(features).toEqual([
      'feature planning go',
      'feature development go',
      'feature development go',
      'feature deployment go',
      'feature recovery rollback',
    ]);
  });

  it('gives the same rows again, however it grows, also to a table that has them', async () => {
    await commit('Begin');
    await git('switch', '-q', '-c', 'topic');
    // All within one second, which is as exact as git is.
    for (const name of ['a', 'b', 'c']) {
      clock = NOON + 600;
      await commit(`Add "${name}" \t— 😀 \u001e`, `${name} ü.js`);
    }
    await git('switch', '-q', 'main');
    await git('merge', '-q', '--no-ff', 'topic', '-m', "Merge branch 'topic'");
    const first = await importAll();
    await commit('Go on');
    await git('revert', '--no-edit', 'HEAD');
    const second = await importAll();
    expect(second.rows.slice(0, first.rows.length)).toEqual(first.rows);

    const stage = await Stage.open();
    try {
      const source = await stage.started();
      const statuses = async (rows: readonly JsonObject[]) =>
        new Set((await source.append(rows, stage.signal)).map(({ status }) => status));
      expect(await statuses(first.rows)).toEqual(new Set(['added']));
      expect(await statuses(first.rows)).toEqual(new Set(['present']));
      expect(await statuses(second.rows)).toEqual(new Set(['present', 'added']));
      expect(await stage.bodies(source)).toHaveLength(second.rows.length);
    } finally {
      await stage.close();
    }
  });
});

describe('the same commits', () => {
  it('give the same rows from another branch, from none, and whatever .gitattributes says later', async () => {
    await commit('Begin', 'a.lock');
    const { rows } = await importAll();
    await git('checkout', '-q', '-b', 'my-feature');
    expect((await importAll()).rows).toEqual(rows);
    await git('checkout', '-q', '--detach');
    expect((await importAll()).rows).toEqual(rows);
    await writeFile(join(place.folder, '.gitattributes'), '*.lock -diff\n');
    await commit('Leave locks out of diffs');
    expect((await importAll()).rows.slice(0, rows.length)).toEqual(rows);
  });
});

describe('what has no whole history', () => {
  it('is nothing, and no fault, where there is no repository, no commit or no folder', async () => {
    expect(await importAll(place.folder)).toEqual({ rows: [], said: 'git-history: there is no commit yet\n' });
    expect(await importAll('/')).toEqual({
      rows: [],
      said: expect.stringMatching(/has no history that git can read.*nothing is imported/),
    });
    expect((await importAll('/nowhere')).said).toContain('nothing is imported');
    const { stdout, stderr } = await run(process.execPath, [program], { env: { PATH: '/nowhere' } });
    expect([stdout, stderr]).toEqual(['', 'git-history: git is not installed; nothing is imported\n']);
  });

  it('is what is whole of a shallow clone, and says so', async () => {
    for (const subject of ['One', 'Two', 'Three', 'Four']) await commit(subject);
    const whole = await importAll();
    const clone = join(place.folder, 'clone');
    await git('clone', '-q', '--depth', '3', `file://${place.folder}`, clone);
    const { rows, said } = await importAll(clone);
    expect(said).toContain('shallow clone');
    expect(rows).toEqual(whole.rows.slice(4));
  });

  it('leaves out what no clock can have said', async () => {
    clock = 4_070_908_800;
    await commit('From the year 2099');
    clock = NOON;
    await commit('From now');
    const { rows, said } = await importAll();
    expect(rows).toHaveLength(2);
    expect(said).toContain('2 rows are left out');
  });

  it('names the choices there are', async () => {
    await writeFile(join(place.folder, 'x'), '');
    await expect(run(process.execPath, [program, '--cycles', 'weeks'])).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('auto|commits|tags'),
    });
  });
});
