import type { InstanceSettings } from '../config/settings.ts';
import type { Context, Definition, Services, Sink } from '../contract/index.ts';
import { SILENT } from './scratch-state.ts';

/** What an instance is created with to be looked at only. */
export function unstartedContext({ name, options, definition }: InstanceSettings, host: string, signal: AbortSignal): Context<unknown> {
  return { id: name, host, options: (definition as Definition).options.parse(options), log: SILENT, signal };
}

/** A sink that is only created and looked at; one that reaches for a service before its `start` is told so. */
export function unstartedSink({ definition }: InstanceSettings, context: Context<unknown>): Sink {
  return (definition as { create(context: object): Sink }).create({ ...context, agent: NO_SERVICES });
}

const NO_SERVICES = new Proxy({} as Services, {
  get(_target, service) {
    throw new Error(`create() used the service ${String(service)}; services may be used from start() on`);
  },
});
