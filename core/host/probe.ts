import type { InstanceSettings, Settings } from '../config/settings.ts';
import { describe, type Probe, type SourceDefinition } from '../contract/index.ts';
import { probeListen } from '../http/server.ts';
import type { State } from '../state/state.ts';
import { withDeadline } from './deadline.ts';
import { withScratchState } from './scratch-state.ts';
import { within } from './trace.ts';
import { unstartedContext, unstartedSink } from './unstarted.ts';

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
  const addresses = new Map<string, Promise<Probe>>();
  // Sinks may share an address; probed twice at once it would be taken by the other probe.
  const address = (listen: string) => {
    const probed = addresses.get(listen) ?? probeListen(listen);
    addresses.set(listen, probed);
    return probed;
  };
  return withScratchState((state) =>
    Promise.all(settings.instances.map((instance) => probe(instance, { host: settings.agent.host, state, address }))),
  );
}

interface Around {
  readonly host: string;
  readonly state: State;
  address(listen: string): Promise<Probe>;
}

async function probe(settings: InstanceSettings, { host, state, address }: Around): Promise<ProbeResult> {
  const { kind, name, use } = settings;
  const controller = new AbortController();
  const context = unstartedContext(settings, host, controller.signal);
  let result: Probe = { ok: false, detail: '' };
  const work = async () => {
    if (kind === 'sink') {
      const sink = unstartedSink(settings, context);
      const { listen } = context.options as { listen?: unknown };
      result =
        (await sink.probe?.(controller.signal)) ?? (typeof listen === 'string' ? await address(listen) : { ok: true, detail: 'valid' });
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
