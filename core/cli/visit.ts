import { type Flow, flowOf } from '../catalog/lineage.ts';
import type { InstanceSettings, Settings } from '../config/settings.ts';
import { Agent } from '../host/agent.ts';
import { readConfiguration } from '../host/configuration.ts';
import { version } from '../host/package.ts';
import { unstartedContext, unstartedSink } from '../host/unstarted.ts';
import { createLog } from '../telemetry/log.ts';
import { nameUncaught } from './uncaught.ts';

/** A private agent: the sources of a configuration, opened for one command, beside an agent that may run already. */
export interface Visit {
  readonly agent: Agent;
  readonly settings: Settings;
  /** Stops it. */
  close(): Promise<void>;
}

/** Opens the sources of a configuration, and no sinks but these. */
export async function openVisit(config: string | undefined, sinks: readonly InstanceSettings[] = []): Promise<Visit> {
  nameUncaught();
  const settings = await readConfiguration(config);
  const instances = [...settings.instances.filter(({ kind }) => kind === 'source'), ...sinks];
  const log = createLog({ level: 'error', console: process.stderr.isTTY ? 'pretty' : 'json' });
  const agent = await Agent.open({
    settings: { ...settings, instances, disabled: [] },
    log,
    version,
    visit: true,
    flows: flowsOf(settings),
  });
  await agent.start();
  return { agent, settings, close: () => agent.stop() };
}

/** Of the sinks that the configuration has; they are not started here. */
function flowsOf({ agent, instances }: Settings): Flow[] {
  const gone = AbortSignal.abort();
  return instances
    .filter(({ kind }) => kind === 'sink')
    .map((sink) => {
      try {
        return flowOf(sink, unstartedSink(sink, unstartedContext(sink, agent.host, gone)));
      } catch {
        return flowOf(sink, undefined);
      }
    });
}
