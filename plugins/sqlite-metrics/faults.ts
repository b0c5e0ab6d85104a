import { CauceError, describe, RetryableError } from '../../core/contract/index.ts';
import { RowRefused } from '../../core/table/index.ts';

/** Primary result codes of SQLite, https://www.sqlite.org/rescode.html, and what to do about them. */
const MEND: Readonly<Record<number, string>> = {
  1: 'it refuses a statement; did its table change?',
  5: 'another process holds it for too long; end that one, or wait for it',
  6: 'another connection holds its table for too long',
  8: 'it cannot be written; give this user the right to it and to its folder',
  10: 'reading or writing it failed; look at the disk',
  11: 'it is damaged; put it aside, and restore it from a copy or let a new one be made',
  13: 'it cannot grow, the disk is full; free some space',
  14: 'it cannot be opened; give this user the right to it and to its folder, or name another one as path',
  26: 'it is no SQLite database; name another file as path',
};
const FORBIDDEN = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'EISDIR']);
const BUSY = 5;
/** A statement that is prepared fails without a code; SQLite's texts do not change. */
const TEXTS: readonly (readonly [RegExp, number])[] = [
  [/database is locked/, BUSY],
  [/attempt to write a readonly/, 8],
  [/disk I\/O error/, 10],
  [/malformed/, 11],
  [/disk is full/, 13],
  [/unable to open/, 14],
  [/not a database/, 26],
];

/** Another connection holds the file. */
export function isBusy(error: unknown): boolean {
  return codeOf(error) === BUSY;
}

/** What SQLite or the file system said, with what to mend. All of it may be mended while the agent runs. */
export function fault(error: unknown, path: string): unknown {
  if (error instanceof CauceError) return error;
  if (/constraint failed/.test(String((error as Error).message)))
    return new RowRefused(`the database refuses the row: ${describe(error)}`, /UNIQUE/.test(String((error as Error).message)));
  const mend = MEND[codeOf(error) ?? 0];
  return mend === undefined ? error : new RetryableError(`${path}: ${mend}`, { cause: error, code: 'ERR_SQLITE' });
}

function codeOf(error: unknown): number | undefined {
  const { errcode, code, message } = (error ?? {}) as { errcode?: unknown; code?: unknown; message?: unknown };
  if (FORBIDDEN.has(String(code))) return 14;
  if (typeof errcode === 'number') return errcode & 0xff;
  return code === 'ERR_SQLITE_ERROR' ? (TEXTS.find(([text]) => text.test(String(message)))?.[1] ?? 1) : undefined;
}

export function notOpen(path: string): never {
  throw new RetryableError(`${path} is not open; the source was not started, or was stopped`, { code: 'ERR_SQLITE' });
}
