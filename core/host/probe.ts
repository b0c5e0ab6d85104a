import type { InstanceSettings, Settings } from '../config/settings.ts';
import { describe, type Probe, type Services, type SinkDefinition, type SourceDefinition } from '../contract/index.ts';
import { probeListen } from '../http/server.ts';
import type { State } from '../state/state.ts';
import { withDeadline } from './deadline.ts';
import { SILENT, withScratchState } from './scratch-state.ts';
import { within } from './trace.ts';

export interface ProbeResult {
  readonly kind: InstanceSettings['kind'];
  readonly name: string;
  readonly use: string;
  readonly ok: boolean;
  readonly detail: string;
}

const PROBE_DEADLINE_MS = 10_000;

/** Starts and probes every source, and probes every sink, side by side; the agent's own state is not touched. */
export function probeAll(settings: Settings): Promise<ProbeResult[]> {
  return withScratchState((state) => Promise.all(settings.instances.map((instance) => probe(instance, settings, state))));
}

async function probe(settings: InstanceSettings, { agent }: Settings, state: State): Promise<ProbeResult> {
  const { kind, name, use } = settings;
  const controller = new AbortController();
  const context = {
    id: name,
    host: agent.host,
    options: settings.definition.options.parse(settings.options),
    log: SILENT,
    signal: controller.signal,
  };
  let result: Probe = { ok: false, detail: '' };
  const work = async () => {
    if (kind === 'sink') {
      const sink = (settings.definition as SinkDefinition).create({ ...context, agent: NO_SERVICES } as never);
      const { listen } = context.options as { listen?: unknown };
      result =
        (await sink.probe?.(controller.signal)) ?? (typeof listen === 'string' ? await probeListen(listen) : { ok: true, detail: 'valid' });
      return;
    }
    const source = (settings.definition as SourceDefinition).create({ ...context, state: state.keyValue(name) } as never);
    try {
      await source.start?.(controller.signal);
      result = (await source.probe?.(controller.signal)) ?? { ok: true, detail: 'started; it has no probe' };
    } finally {
      await source.stop?.();
    }
  };
  try {
    await withDeadline(PROBE_DEADLINE_MS, `probing ${name}`, within(name, work));
  } catch (error) {
    result = { ok: false, detail: describe(error) };
  } finally {
    controller.abort();
  }
  return { kind, name, use, ok: result.ok, detail: result.detail };
}

/** A sink is only created and probed here; one that reaches for a service before its `start` is told so. */
const NO_SERVICES = new Proxy({} as Services, {
  get(_target, service) {
    throw new Error(`create() used the service ${String(service)}; services may be used from start() on`);
  },
});
