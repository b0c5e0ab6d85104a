import { setImmediate as turn } from 'node:timers/promises';
import type { Batch, Following, FollowRequest, Source } from '../contract/index.ts';
import { checkedFollowing } from './step.ts';

/** Milliseconds of reading without a pause, after which the event loop gets its turn. */
const STINT = 10;

/** The promise, or the signal's reason as soon as it aborts: nothing here waits for a source that ignores its signal. */
export function unlessAborted<T>(signal: AbortSignal, call: () => T | PromiseLike<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    signal.throwIfAborted();
    const aborted = () => reject(signal.reason);
    signal.addEventListener('abort', aborted);
    new Promise<T>((started) => started(call())).then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted));
  });
}

/** Opens a source's feed. */
export async function openFeed(source: Source, request: FollowRequest, signal: AbortSignal): Promise<Following> {
  return unlessAborted(signal, async () => {
    if (!source.follow) throw new Error('its plugin has no follow facet');
    return checkedFollowing(await source.follow.open(request, signal));
  });
}

/** The batches of a feed until it ends or the signal aborts; `untidy` is told when the source fails while it is closed. */
export async function* readFeed(
  { batches }: Following,
  signal: AbortSignal,
  untidy: (error: unknown) => void,
): AsyncGenerator<Batch, void, void> {
  const iterator = batches[Symbol.asyncIterator]();
  let paused = performance.now();
  try {
    for (;;) {
      const result = await unlessAborted(signal, () => iterator.next());
      if (result.done) return;
      yield result.value;
      if (performance.now() - paused > STINT) await turn();
      paused = performance.now();
    }
  } finally {
    // Not awaited: a source that hangs in its last read would hold it up.
    (async () => iterator.return?.())().catch(untidy);
  }
}

/** A signal that aborts when one of the others does, until it is released; the others may live for long. */
export function linked(...others: readonly AbortSignal[]): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const abort = () => controller.abort(others.find((one) => one.aborted)?.reason);
  for (const one of others) one.addEventListener('abort', abort);
  if (others.some((one) => one.aborted)) abort();
  return {
    signal: controller.signal,
    release: () => {
      for (const one of others) one.removeEventListener('abort', abort);
    },
  };
}
