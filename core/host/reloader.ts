import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { watch } from 'chokidar';
import { formatIssues } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import { type ConfigError, describe } from '../contract/index.ts';
import type { AgentEmitter } from '../telemetry/events.ts';
import type { AgentLog } from '../telemetry/log.ts';

export interface ReloaderOptions {
  readonly file: string;
  readonly log: AgentLog;
  readonly events: AgentEmitter;
  read(): Promise<Settings>;
  apply(settings: Settings): Promise<void>;
}

const SETTLE_MS = 200;
const CLOSE_PATIENCE_MS = 1000;

/** Reloads on request and when the file changes, one at a time; requests during a reload become one more after it. */
export class Reloader {
  readonly #options: ReloaderOptions;
  readonly #watcher: ReturnType<typeof watch>;
  #settling: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #again = false;

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.#watcher = watch(options.file, { ignoreInitial: true });
    this.#watcher.on('all', () => this.#settle());
    // A change before the watcher is ready is told by nobody.
    const before = stamp(options.file);
    this.#watcher.on('ready', () => {
      if (stamp(options.file) !== before) this.#settle();
    });
    this.#watcher.on('error', (error) =>
      options.log.warn('the configuration file cannot be watched; SIGHUP still reloads', { error: describe(error) }),
    );
  }

  request(): void {
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = this.#reload().finally(() => {
      this.#running = undefined;
      if (!this.#again) return;
      this.#again = false;
      this.request();
    });
  }

  async close(): Promise<void> {
    clearTimeout(this.#settling);
    this.#again = false;
    await this.#watcher.close();
    // A reload that waits for something must not hold up the end; the agent refuses what it still brings.
    await Promise.race([this.#running, sleep(CLOSE_PATIENCE_MS, undefined, { ref: false })]);
  }

  /** An editor writes a file in several steps. */
  #settle(): void {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.request(), SETTLE_MS);
  }

  async #reload(): Promise<void> {
    const { read, apply, events } = this.#options;
    let settings: Settings;
    try {
      settings = await read();
    } catch (error) {
      const text = (error as ConfigError).issues?.length ? formatIssues(error as ConfigError) : describe(error);
      this.#refused('the new configuration is not used; everything goes on as before', text);
      return;
    }
    try {
      await apply(settings);
      events.emit('reload', { ok: true });
    } catch (error) {
      this.#refused(
        'the new configuration was applied in part; look at /-/ready, mend and reload, or start the agent again',
        describe(error),
      );
    }
  }

  #refused(message: string, error: string): void {
    const { log, events, file } = this.#options;
    events.emit('reload', { ok: false, error });
    log.error(message, { file, error });
  }
}

function stamp(file: string): string {
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats ? `${stats.mtimeMs} ${stats.size} ${stats.ino}` : 'absent';
}
