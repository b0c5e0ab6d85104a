import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineSource, duration, received, z } from 'cauce/plugin';

/** The load average of this machine, sampled; the agent's journal gives it a history, paging and a live stream. */
export default defineSource({
  name: 'load-average',
  summary: 'Samples the load average of this machine',
  apiVersion: 1,
  options: z.strictObject({ every: duration('10s').describe('Time between two samples') }),
  create({ options }) {
    return {
      type: 'metrics',
      label: 'Load average',
      receive: received(async (emit, signal) => {
        while (!signal.aborted) {
          const [one, five, fifteen] = loadavg();
          await emit({ timestamp: new Date().toISOString(), load_1: one ?? 0, load_5: five ?? 0, load_15: fifteen ?? 0 });
          await sleep(options.every, undefined, { signal }).catch(() => undefined);
        }
      }),
    };
  },
});
