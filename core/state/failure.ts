import { CauceError, PermanentError, RetryableError } from '../contract/index.ts';

/** Primary result codes of SQLite, https://www.sqlite.org/rescode.html. */
const SQLITE = { error: 1, busy: 5, readOnly: 8, corrupt: 11, full: 13, cannotOpen: 14, notADatabase: 26 } as const;
const FORBIDDEN = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'EISDIR']);
const CODE = 'ERR_STATE';

/** A file that SQLite can open, yet does not hold what it must. */
export class DamagedError extends CauceError {
  constructor(message: string, options?: { cause?: unknown }) {
    super(CODE, message, options);
  }
}

export function isBusy(error: unknown): boolean {
  return sqliteCode(error) === SQLITE.busy;
}

/** What is no reason to doubt the disk or the rights to it, but the file. */
export function isDamaged(error: unknown): boolean {
  const code = sqliteCode(error);
  return error instanceof DamagedError || code === SQLITE.corrupt || code === SQLITE.notADatabase;
}

export function isReadOnly(error: unknown): boolean {
  return sqliteCode(error) === SQLITE.readOnly;
}

/** SQL that is right for a file of ours was wrong for this one: a table is missing or there too early, or its format is unknown. */
export function isForeign(error: unknown): boolean {
  return sqliteCode(error) === SQLITE.error;
}

/** What SQLite or the file system said, as what to mend about `path`. */
export function failure(error: unknown, path: string): CauceError {
  if (error instanceof CauceError && !(error instanceof DamagedError)) return error;
  const options = { cause: error, code: CODE };
  const sqlite = sqliteCode(error);
  const system = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  if (isDamaged(error)) return new RetryableError(`${path} is damaged; the agent puts it aside when it is started`, options);
  if (sqlite === SQLITE.full || system === 'ENOSPC' || system === 'EDQUOT') {
    return new RetryableError(`${path} cannot grow, the disk is full; free some space`, options);
  }
  if (sqlite === SQLITE.readOnly || sqlite === SQLITE.cannotOpen || FORBIDDEN.has(system)) {
    return new PermanentError(`${path} cannot be written; give this user the right to it, or name another folder in agent.state`, options);
  }
  return new RetryableError(`${path} cannot be used`, options);
}

function sqliteCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | undefined)?.errcode;
  return typeof code === 'number' ? code & 0xff : undefined;
}
