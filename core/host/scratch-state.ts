import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '../contract/index.ts';
import { openState, type State } from '../state/state.ts';

export const SILENT: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** Lends a state that is gone afterwards, so that the agent's own is not touched. */
export async function withScratchState<T>(work: (state: State) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'cauce-check-'));
  const state = await openState(folder, { log: SILENT, exclusive: false });
  try {
    return await work(state);
  } finally {
    state.close();
    await rm(folder, { recursive: true, force: true });
  }
}
