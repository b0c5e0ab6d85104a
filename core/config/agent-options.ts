import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { duration, z } from '../contract/index.ts';
import type { AgentSettings } from './settings.ts';

/** The section `agent:`. */
export const agentOptions = z.strictObject({
  state: z.string().min(1).default('./var').describe('Folder of checkpoints and history'),
  host: z.string().min(1).optional().describe('The name of this host; default: what the machine calls itself'),
  log: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('The least important level that is logged'),
      file: z.string().min(1).optional().describe("File of the agent's own log, JSON lines, rotated at 10 MiB"),
    })
    .prefault({}),
  query: z
    .strictObject({ deadline: duration('30s').describe('How long a query waits for one source') })
    .prefault({}),
});

export function toAgentSettings(options: z.output<typeof agentOptions>): AgentSettings {
  const { level, file } = options.log;
  return {
    state: resolve(options.state),
    host: options.host ?? hostname(),
    log: { level, ...(file !== undefined && { file: resolve(file) }) },
    query: options.query,
  };
}
