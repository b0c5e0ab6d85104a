import type { Batch, Following, FollowRequest, Source } from '../contract/index.ts';
import { backoff, pause } from './backoff.ts';
import { openFeed, readFeed } from './reading.ts';

const FIRST_RETRY = 100;
const LAST_RETRY = 60_000;

/** Who keeps reading a source. */
export interface Keeper {
  /** Where to open the feed; asked again after every failure. */
  after(): FollowRequest['after'];
  opened(following: Following): void | Promise<void>;
  /** The next batch is read when this has resolved. */
  batch(batch: Batch): void | Promise<void>;
  /** The feed failed, or ended by itself; it is opened again after a while. */
  failed(error: unknown): void;
  /** The source failed while it was closed. */
  untidy(error: unknown): void;
}

/** Reads the feed of one instance until the signal aborts, and then tells the keeper nothing more. */
export async function keepReading(source: Source, keeper: Keeper, signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      const following = await openFeed(source, { after: keeper.after() }, signal);
      // Another instance may have taken over since, here and below.
      if (signal.aborted) return;
      await keeper.opened(following);
      for await (const batch of readFeed(following, signal, keeper.untidy)) {
        if (signal.aborted) return;
        failures = 0;
        await keeper.batch(batch);
      }
      throw new Error('the feed ended by itself');
    } catch (error) {
      if (signal.aborted) return;
      keeper.failed(error);
    }
    await pause(backoff(failures, FIRST_RETRY, LAST_RETRY), signal);
  }
}
