import type { Settings } from '../config/settings.ts';
import { describe } from '../contract/index.ts';
import type { AgentLog } from '../telemetry/log.ts';
import { Agent } from './agent.ts';
import { readConfiguration } from './configuration.ts';
import { Reloader } from './reloader.ts';
import { culprit } from './trace.ts';

const forever = new Promise<never>(() => undefined);

/**
 * Runs an agent as this process until SIGTERM or SIGINT has drained it; resolves to the exit code. A second signal ends it
 * at once.
 */
export async function runAgent(settings: Settings, log: AgentLog, version: string): Promise<number> {
  const agent = await Agent.open({ settings, log, version });
  const crashed = new Promise<number>((resolve) => {
    const uncaught = (error: unknown) => {
      if (agent.blame(culprit(), error)) return;
      log.error('an error was left uncaught by the agent itself; it stops', {
        error: describe(error),
        stack: (error as Error)?.stack ?? '',
      });
      resolve(1);
    };
    process.on('unhandledRejection', uncaught);
    process.on('uncaughtException', uncaught);
  });
  const asked = new Promise<number>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      let times = 0;
      process.on(signal, () => {
        if (++times > 1) process.exit(signal === 'SIGINT' ? 130 : 143);
        log.info('stopping', { signal });
        resolve(signal === 'SIGINT' ? 130 : 0);
      });
    }
  });
  const reloader = new Reloader({
    file: settings.file,
    log,
    events: agent.events,
    read: () => readConfiguration(settings.file),
    apply: (next) => agent.reload(next),
  });
  process.on('SIGHUP', () => reloader.request());
  const started = agent.start();
  const code = await Promise.race([asked, crashed, started.then(() => forever)]);
  await reloader.close();
  await agent.stop();
  return code;
}
