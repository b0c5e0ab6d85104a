import { describe, PermanentError, RetryableError } from '../contract/index.ts';

/** Marks a failure of an append that came before anything was written; see `Source.append`. */
export function notAdded(error: unknown): Error {
  return error instanceof PermanentError ? error : new RetryableError(describe(error), { code: 'ERR_NOT_ADDED', cause: error });
}
