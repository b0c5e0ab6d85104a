import { type DeliveryInfo, formatTime, type InstanceInfo, type Services, type SourceInfo } from '../../core/contract/index.ts';

export interface Readiness {
  readonly ready: true | 'degraded';
  readonly not_ready: readonly string[];
  readonly instances: readonly object[];
}

/** Whether every configured instance runs, and which do not. How far deliveries are is told, and changes nothing. */
export function readiness(agent: Pick<Services, 'status'>): Readiness {
  const instances = agent.status();
  const missing = instances.filter((instance) => instance.state !== 'running').map((instance) => instance.name);
  return { ready: missing.length === 0 ? true : 'degraded', not_ready: missing, instances: instances.map(speltInstance) };
}

function speltInstance({ deliveries, circuitOpen, ...info }: InstanceInfo) {
  return {
    ...info,
    ...(circuitOpen !== undefined && { circuit: circuitOpen ? 'open' : 'closed' }),
    ...(deliveries && { deliveries: deliveries.map(speltDelivery) }),
  };
}

function speltDelivery({ source, state, lagSeconds, pending, error, since, nextTry }: DeliveryInfo) {
  return {
    source,
    state,
    lag_seconds: lagSeconds,
    pending,
    ...(error !== undefined && { error }),
    ...(since !== undefined && { since: formatTime(since) }),
    ...(nextTry !== undefined && { next_try: formatTime(nextTry) }),
  };
}

export interface SourceState extends SourceInfo {
  /** Absent for a source that a sink computes: it runs when its sink does. */
  readonly state?: InstanceInfo['state'];
  readonly error?: string;
}

export function sourceStates(agent: Pick<Services, 'sources' | 'status'>): SourceState[] {
  const instances = new Map(agent.status().flatMap((instance) => (instance.kind === 'source' ? [[instance.name, instance] as const] : [])));
  return agent.sources().map(({ name, type, label, mirror, facets }) => {
    const instance = instances.get(name);
    return {
      name,
      type,
      label,
      mirror,
      facets,
      ...(instance && { state: instance.state }),
      ...(instance?.error !== undefined && { error: instance.error }),
    };
  });
}
