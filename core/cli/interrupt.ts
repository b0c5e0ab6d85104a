/** A signal that aborts at the first Ctrl-C; the second one ends the process as usual. */
export function interruptible(): AbortSignal {
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort(new Error('interrupted')));
  return controller.signal;
}
