import { RetryableError } from '../contract/index.ts';

/**
 * Settles as `work` does, or rejects after `ms`, or with the signal's reason when it aborts; what comes later than that is
 * ignored, errors included.
 */
export async function withDeadline<T>(ms: number, what: string, work: T | PromiseLike<T>, signal?: AbortSignal): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let abort = () => {};
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new RetryableError(`${what} took longer than ${ms / 1000} s`, { code: 'ERR_DEADLINE' })), ms);
    abort = () => reject(signal?.reason);
    signal?.addEventListener('abort', abort);
    if (signal?.aborted) abort();
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}
