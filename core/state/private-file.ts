import { closeSync, openSync } from 'node:fs';

/**
 * Creates an empty file that only this user may read, before SQLite would create it for all to read; its companions (-wal,
 * -shm) then inherit that. False when it is there already: it is not even opened then, since closing it again would drop
 * every lock that this process has on it.
 */
export function createPrivately(path: string): boolean {
  try {
    closeSync(openSync(path, 'ax', 0o600));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
