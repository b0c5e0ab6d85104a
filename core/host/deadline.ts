import { RetryableError } from '../contract/index.ts';

/** Settles as `work` does, or rejects after `ms`; what comes later than that is ignored, errors included. */
export async function withDeadline(ms: number, what: string, work: Promise<unknown> | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new RetryableError(`${what} took longer than ${ms / 1000} s`, { code: 'ERR_DEADLINE' })), ms);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
