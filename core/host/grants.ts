import type { Services, SinkDefinition } from '../contract/index.ts';
import { within } from './trace.ts';
import { tracedHandler } from './traced.ts';

/**
 * What a sink asked for, and nothing else. Whatever it hands to a service runs in its own name: a listener that throws, or a
 * handler, is its fault and stops nobody else.
 */
export function grant(
  services: Services,
  { needs }: Pick<SinkDefinition, 'needs'>,
  name: string,
  failed: (error: unknown) => void,
): Services {
  const traced: Services = {
    ...services,
    http: { mount: (listen, prefix, handler) => services.http.mount(listen, prefix, tracedHandler(handler, name, failed)) },
    events: {
      on: (event, listener) =>
        services.events.on(event, (detail) => {
          try {
            within(name, () => listener(detail));
          } catch (error) {
            failed(error);
          }
        }),
    },
  };
  return Object.fromEntries(needs.map((need) => [need, traced[need]])) as unknown as Services;
}
