import path from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import { isDynamicPattern } from 'tinyglobby';
import { describe, type Log } from '../../core/contract/index.ts';
import { staticFolder, stemOf } from './patterns.ts';

const DEEPEST = 4;

/**
 * Tells followers that something happened, as soon as the system does. Only a hint: a change that is not announced (network
 * file systems, too many watches) is found by the next poll. Watches while somebody follows.
 */
export class Wake {
  readonly #patterns: readonly string[];
  readonly #isKnown: (file: string) => boolean;
  readonly #log: Log;
  readonly #waiting = new Set<() => void>();
  #watcher: FSWatcher | undefined;
  #users = 0;
  /** Counts what happened. */
  count = 0;
  /** Counts what may have changed which files there are, or what they hold. */
  changes = 0;

  constructor(patterns: readonly string[], isKnown: (file: string) => boolean, log: Log) {
    this.#patterns = patterns;
    this.#isKnown = isKnown;
    this.#log = log;
  }

  /** Watches until the function that it returns is called. */
  use(): () => void {
    if (this.#users++ === 0) this.#start();
    let used = true;
    return () => {
      if (!used) return;
      used = false;
      if (--this.#users === 0) this.#stop();
    };
  }

  /** Waits until something happens after `seen`, at most `ms`, or until the signal aborts. */
  wait(seen: number, ms: number, signal: AbortSignal): Promise<void> {
    if (this.count !== seen || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#waiting.add(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  #start(): void {
    const folders = [...new Set(this.#patterns.map(staticFolder))];
    const depth = Math.min(DEEPEST, Math.max(...this.#patterns.map(depthBelow)));
    const names = this.#patterns.map(nameFilter);
    const watcher = watch(folders, {
      depth,
      ignoreInitial: true,
      atomic: false,
      ignored: (file, stats) => stats?.isFile() === true && !names.some((name) => name.test(stemOf(file))),
    });
    this.#watcher = watcher;
    watcher.on('all', (event, file) => this.#happened(event === 'change' && this.#isKnown(file)));
    watcher.on('error', (error) =>
      this.#log.warn(`cannot watch ${folders.join(', ')}; new lines are seen by polling`, { error: describe(error) }),
    );
  }

  #stop(): void {
    const watcher = this.#watcher;
    this.#watcher = undefined;
    watcher?.close().catch((error: unknown) => this.#log.debug('closing the watcher failed', { error: describe(error) }));
  }

  #happened(onlyLines: boolean): void {
    this.count++;
    if (!onlyLines) this.changes++;
    for (const done of [...this.#waiting]) done();
  }
}

/** How many levels of folders a pattern reaches below its static folder. */
function depthBelow(pattern: string): number {
  const below = path.relative(staticFolder(pattern), pattern).split(path.sep);
  return below.includes('**') ? DEEPEST : below.length - 1;
}

/** Matches the names, without what rotation puts behind them, that a pattern could match; too many rather than too few. */
function nameFilter(pattern: string): RegExp {
  const name = path.basename(pattern);
  const source = name.replace(/[.+^${}()|[\]\\*?]/g, (char) => (char === '*' ? '.*' : char === '?' ? '.' : `\\${char}`));
  return isDynamicPattern(name.replace(/[*?]/g, '')) ? /./ : new RegExp(`^${source}`);
}
