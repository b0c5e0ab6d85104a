import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PermanentError } from '../contract/index.ts';
import { failure, isBusy, isDamaged } from './failure.ts';
import { createPrivately } from './private-file.ts';
import { type Database, openDatabase } from './sqlite.ts';

/**
 * Claims a state folder for this process, by a lock of the kernel's on a file: whoever dies, by whatever signal, no longer
 * holds it. Returns the release. The file must never be opened by other means, as closing it would drop the lock.
 */
export function lockFolder(folder: string): () => void {
  const path = join(folder, 'agent.lock');
  const note = join(folder, 'agent.pid');
  createPrivately(path);
  const database = openDatabase(path);
  try {
    database.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE;');
    writeFileSync(note, `${process.pid}\n`, { mode: 0o600 });
  } catch (error) {
    database.close();
    throw refusal(error, folder, path, note);
  }
  return () => {
    rmSync(note, { force: true });
    database.exec('ROLLBACK');
    database.close();
  };
}

const ASK_AGAIN_MS = 100;

/**
 * Does work that only one process at a time may do, by a lock of the kernel's on the file `path`, as {@link lockFolder} has it.
 * Waits for its turn until the signal aborts.
 */
export async function inTurn<T>(path: string, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const database = openLock(path);
  try {
    signal.throwIfAborted();
    while (!claimed(database)) await sleep(ASK_AGAIN_MS, undefined, { signal });
    return await work();
  } finally {
    database.close();
  }
}

function openLock(path: string): Database {
  try {
    createPrivately(path);
    return openDatabase(path);
  } catch (error) {
    throw failure(error, path);
  }
}

function claimed(database: Database): boolean {
  try {
    database.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE;');
    return true;
  } catch (error) {
    if (isBusy(error)) return false;
    throw error;
  }
}

function refusal(error: unknown, folder: string, path: string, note: string): unknown {
  if (isBusy(error)) {
    return new PermanentError(
      `another agent${holder(note)} uses the state folder ${folder}; stop it, or name another folder in agent.state`,
      {
        cause: error,
        code: 'ERR_STATE_LOCKED',
      },
    );
  }
  if (isDamaged(error))
    return new PermanentError(`${path} is no lock of an agent's; if none runs here, delete it`, { cause: error, code: 'ERR_STATE' });
  return error;
}

function holder(note: string): string {
  return existsSync(note) ? ` (pid ${readFileSync(note, 'utf8').trim()})` : '';
}
