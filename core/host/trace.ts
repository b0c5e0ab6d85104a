import { AsyncLocalStorage } from 'node:async_hooks';

const current = new AsyncLocalStorage<string>();

/** Runs a plugin's code so that whatever it leaves behind (timers, promises) is known to be that instance's. */
export function within<T>(instance: string, run: () => T): T {
  return current.run(instance, run);
}

/** The instance whose code runs now, also inside the process' `unhandledRejection` and `uncaughtException` handlers. */
export function culprit(): string | undefined {
  return current.getStore();
}
