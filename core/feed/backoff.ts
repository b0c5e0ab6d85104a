/** Milliseconds to wait before the next try: doubling from `first` to `most` with the failures so far, half of it at random. */
export function backoff(failures: number, first: number, most: number): number {
  const full = Math.min(most, first * 2 ** Math.min(failures, 30));
  return full / 2 + (Math.random() * full) / 2;
}

/** Resolves after the time, or as soon as the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
