import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { draft, type Log, PermanentError, RetryableError } from '../../../core/contract/index.ts';
import { openDatabase } from '../../../core/state/sqlite.ts';
import { openState, type State } from '../../../core/state/state.ts';

const errors: string[] = [];
const log: Log = { debug() {}, info() {}, warn() {}, error: (text) => void errors.push(text) };
let folder: string;
let open: State[] = [];
beforeEach(async () => {
  errors.length = 0;
  folder = await mkdtemp(join(tmpdir(), 'cauce-failures-'));
});
afterEach(async () => {
  for (const state of open) state.close();
  open = [];
  await rm(folder, { recursive: true });
});

async function opened(options: { exclusive?: boolean; readOnly?: boolean } = {}, directory = folder): Promise<State> {
  const state = await openState(directory, { log, exclusive: true, ...options });
  open.push(state);
  return state;
}
const close = (state: State) => {
  state.close();
  open = open.filter((one) => one !== state);
};
const child = (...args: string[]) => ['--import', 'jiti/register', resolve('test/core/state/appender.ts'), ...args];

describe('the files of the state', () => {
  it('are for this user alone, from their creation on', async () => {
    const directory = join(folder, 'new', 'var');
    const state = await opened({}, directory);
    await state.journal('a').append([draft({})]);
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    for (const name of await readdir(directory))
      expect([name, ((await stat(join(directory, name))).mode & 0o777).toString(8)]).toEqual([name, '600']);
    expect(await readdir(directory)).toContain('state.db-wal');
  });

  it('that exist for all to read are made private', async () => {
    close(await opened());
    chmodSync(join(folder, 'state.db'), 0o644);
    await opened();
    expect((await stat(join(folder, 'state.db'))).mode & 0o777).toBe(0o600);
  });
});

describe('the lock', () => {
  it('refuses a second agent of this process, and still holds against another process then', async () => {
    await opened();
    await expect(opened()).rejects.toMatchObject({ code: 'ERR_STATE_LOCKED', message: expect.stringContaining(`pid ${process.pid}`) });
    const { stderr, status } = spawnSync(process.execPath, child(folder, 'exclusive'), { encoding: 'utf8', timeout: 20_000 });
    expect(status).toBe(1);
    expect(stderr).toContain(`another agent (pid ${process.pid}) uses the state folder ${folder}`);
  });

  it('is given back by close, together with its note', async () => {
    close(await opened());
    expect(await readdir(folder)).not.toContain('agent.pid');
    await opened();
  });

  it('does not mistake another fault for another agent', async () => {
    await writeFile(join(folder, 'agent.lock'), 'this is no lock');
    await expect(opened()).rejects.toThrow(/agent\.lock is no lock of an agent's; if none runs here, delete it/);
  });

  it('does not keep out a visitor', async () => {
    const agent = await opened();
    const visitor = await opened({ exclusive: false });
    await visitor.keyValue('a').set('k', 1);
    expect(await agent.keyValue('a').get('k')).toBe(1);
  });
});

describe('what cannot be opened', () => {
  it('is named, with what to mend', async () => {
    const file = join(folder, 'a-file');
    await writeFile(file, '');
    await expect(opened({}, join(file, 'var'))).rejects.toThrow(PermanentError);
    await expect(opened({}, join(file, 'var'))).rejects.toThrow(
      /a-file\/var\/state\.db cannot be written; give this user the right to it, or name another folder in agent\.state/,
    );
  });

  it('is not begun by one who only reads', async () => {
    await expect(opened({ readOnly: true })).rejects.toThrow(/there is no state at .*state\.db/);
    expect(await readdir(folder)).toEqual([]);
  });

  it('is not written by one who only reads', async () => {
    const agent = await opened();
    await agent.keyValue('a').set('k', 1);
    const reader = await opened({ readOnly: true });
    expect(await reader.keyValue('a').get('k')).toBe(1);
    await expect(reader.keyValue('a').set('k', 2)).rejects.toThrow(PermanentError);
    await expect(reader.journal('a').append([draft({})])).rejects.toThrow(/cannot be written/);
  });
});

describe('a damaged file', () => {
  it.each<[string, (path: string) => Promise<void>]>([
    ['an empty one', (path) => writeFile(path, '')],
    [
      'one of somebody else',
      async (path) => {
        await rm(path);
        const database = openDatabase(path);
        database.exec('CREATE TABLE key_value (something TEXT); PRAGMA user_version = 2');
        database.close();
      },
    ],
    [
      'one that lost a table',
      async (path) => {
        const database = openDatabase(path);
        database.exec('DROP TABLE journal_floor');
        database.close();
      },
    ],
    [
      'one that forgot its version',
      async (path) => {
        const database = openDatabase(path);
        database.exec('PRAGMA user_version = 0');
        database.close();
      },
    ],
  ])('is put aside: %s', async (_what, damage) => {
    close(await opened());
    await damage(join(folder, 'state.db'));
    const state = await opened();
    expect(state.quarantined).toBeDefined();
    expect(errors.join()).toContain('put aside');
    await state.keyValue('a').set('works', true);
  });

  it('never keeps an agent from starting, wherever its bits flipped', async () => {
    const first = await opened();
    await first.journal('a').append(Array.from({ length: 300 }, (_, number) => draft({ number }, { time: number, id: `id.${number}` })));
    close(first);
    const whole = await readFile(join(folder, 'state.db'));
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(7)), { minLength: 1, maxLength: 20 }),
        fc.boolean(),
        async (flips, early) => {
          const bytes = Buffer.from(whole);
          // Early: in the header and the schema, where a flip hurts most; but not in the version, as a newer file is to be refused.
          for (const [at, bit] of flips) {
            const index = early ? at % 2000 : at;
            if (index < 60 || index > 63) bytes[index] = (bytes[index] ?? 0) ^ (1 << bit);
          }
          const directory = join(folder, `run-${runs++}`);
          await mkdir(directory);
          await writeFile(join(directory, 'state.db'), bytes);
          close(await opened({}, directory));
          const again = await opened({}, directory);
          expect(again.quarantined, 'one start is enough').toBeUndefined();
          await again.keyValue('a').set('works', true);
          close(again);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('a full disk', () => {
  it('is said to be one; what was acknowledged stays, and it goes on when there is room', async () => {
    // The kernel's limit on the size of a file stands for the disk: SQLite cannot tell them apart.
    const limited = spawn('bash', ['-c', `trap '' XFSZ; ulimit -f 400; exec "$0" "$@"`, process.execPath, ...child(folder, 'exclusive')]);
    let out = '';
    let complaint = '';
    limited.stdout.on('data', (chunk) => {
      out += chunk;
    });
    limited.stderr.on('data', (chunk) => {
      complaint += chunk;
    });
    await once(limited, 'close');
    expect(complaint).toMatch(/state\.db (cannot grow, the disk is full; free some space|cannot be used)/);
    const acknowledged = out.split('\n').slice(1, -1);
    expect(acknowledged.length).toBeGreaterThan(0);
    const state = await opened();
    expect(state.quarantined).toBeUndefined();
    const held = new Set<string>();
    const run = { signal: new AbortController().signal, note() {} };
    for await (const drafts of state.journal('source').query.run({ from: 0, to: 1e15, order: 'oldest', where: [] }, run)) {
      for (const { id } of drafts) held.add(id);
    }
    expect(acknowledged.filter((id) => !held.has(id))).toEqual([]);
    await state.journal('source').append([draft({ after: true })]);
  });

  it('is worth another attempt', async () => {
    const database = openDatabase(join(folder, 'small.db'));
    database.exec('PRAGMA page_size = 512; CREATE TABLE t (x); PRAGMA max_page_count = 2;');
    let thrown: unknown;
    try {
      database.prepare('INSERT INTO t VALUES (?)').run('x'.repeat(5000));
    } catch (error) {
      thrown = error;
    }
    database.close();
    const { failure } = await import('../../../core/state/failure.ts');
    const mapped = failure(thrown, '/somewhere/state.db');
    expect(mapped).toBeInstanceOf(RetryableError);
    expect(mapped.message).toBe('/somewhere/state.db cannot grow, the disk is full; free some space');
  });
});
