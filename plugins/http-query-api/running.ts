import type { ServerResponse } from 'node:http';
import { RetryableError } from '../../core/contract/index.ts';

/** The requests that are being answered; each has a signal that aborts when its client goes away. */
export class Running {
  readonly #requests = new Map<ServerResponse, AbortController>();
  #idle: (() => void) | undefined;

  begin(response: ServerResponse): AbortSignal {
    const controller = new AbortController();
    this.#requests.set(response, controller);
    response.once('close', () => {
      this.#requests.delete(response);
      if (!response.writableFinished) controller.abort();
      if (this.#requests.size === 0) this.#idle?.();
    });
    return controller.signal;
  }

  /**
   * Waits until all are answered; after `ms` milliseconds aborts those that are not, so that they answer an error, and a second
   * later cuts those whose clients do not take it.
   */
  async drain(ms: number): Promise<void> {
    if (this.#requests.size === 0) return;
    const idle = new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
    const stopping = new RetryableError('the API is stopping; ask again in a moment', { code: 'ERR_STOPPING' });
    const abort = setTimeout(() => {
      for (const controller of this.#requests.values()) controller.abort(stopping);
    }, ms);
    const cut = setTimeout(() => {
      for (const response of this.#requests.keys()) response.destroy();
    }, ms + 1000);
    await idle;
    clearTimeout(abort);
    clearTimeout(cut);
  }
}
