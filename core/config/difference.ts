import { isDeepStrictEqual } from 'node:util';
import type { AgentSettings, InstanceSettings, Settings } from './settings.ts';

export interface Difference {
  /** As they were. */
  readonly removed: InstanceSettings[];
  /** These and the following as they are now. */
  readonly added: InstanceSettings[];
  readonly changed: InstanceSettings[];
  readonly unchanged: InstanceSettings[];
  /** Settings of the agent that differ, such as `agent.log.level`. */
  readonly agentChanged: string[];
}

/**
 * What a reload has to do. An instance is known by kind and name; it is unchanged when plugin, sources and options are equal.
 * The plugin's code is not compared: a third party's module is loaded anew each time, and new code needs a new start.
 */
export function difference(before: Settings, after: Settings): Difference {
  const old = new Map(before.instances.map((instance) => [keyOf(instance), instance]));
  const result: Difference = {
    removed: [],
    added: [],
    changed: [],
    unchanged: [],
    agentChanged: changedSettings(before.agent, after.agent),
  };
  for (const instance of after.instances) {
    const previous = old.get(keyOf(instance));
    old.delete(keyOf(instance));
    if (!previous) result.added.push(instance);
    else if (isDeepStrictEqual(compared(previous), compared(instance))) result.unchanged.push(instance);
    else result.changed.push(instance);
  }
  result.removed.push(...old.values());
  return result;
}

function keyOf({ kind, name }: InstanceSettings): string {
  return `${kind} ${name}`;
}

function compared({ use, from, options }: InstanceSettings) {
  return { use, from, options };
}

function changedSettings(before: AgentSettings, after: AgentSettings): string[] {
  const values = ({ state, host, log, query, dora, retention }: AgentSettings) => ({
    'agent.state': state,
    'agent.host': host,
    'agent.log.level': log.level,
    'agent.log.file': log.file,
    'agent.query.deadline': query.deadline,
    'agent.dora': JSON.stringify(dora),
    'agent.retention.schedule': retention.schedule,
  });
  const now = values(after);
  return Object.entries(values(before)).flatMap(([name, value]) => (now[name as keyof typeof now] === value ? [] : [name]));
}
