import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { Cron } from 'croner';
import { duration, z } from '../contract/index.ts';
import { vocabularyOptions } from '../dora/vocabulary.ts';
import type { AgentSettings } from './settings.ts';

/** What may stand under `agent:`. */
export const agentOptions = z
  .strictObject({
    state: z
      .string()
      .min(1)
      .default('./var')
      .describe('Folder for checkpoints, histories and the journal. A relative path counts from the folder that the agent is started in.'),
    host: z.string().min(1).optional().describe('What this agent calls its machine. Default: the name of the host.'),
    log: z
      .strictObject({
        level: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('The least important level that is written.'),
        file: z
          .string()
          .optional()
          .describe('JSON log file of the agent itself, rotated at 10 MiB, five generations kept. Empty or absent: standard error only.'),
      })
      .prefault({})
      .describe("The agent's own log."),
    query: z
      .strictObject({ deadline: duration('30s').describe('How long a query waits for one source before it answers without it.') })
      .prefault({})
      .describe('How queries are answered.'),
    dora: vocabularyOptions,
    retention: z
      .strictObject({
        schedule: z
          .string()
          .refine((text) => text.trim() === '' || comesRound(text), {
            error: 'expected a cron expression that comes round, such as "30 3 * * *" for 03:30 every night, or "" for never',
          })
          .default('30 3 * * *')
          .describe('When policies are applied: a cron expression in local time. Empty: only by `cauce retention apply`.'),
      })
      .prefault({})
      .describe('How long data is kept; the policies themselves belong to the sources.'),
  })
  .describe('The agent itself.');

/** Relative paths count from the working directory, as on the command line. */
export function agentSettings({ state, host, log, query, dora, retention }: z.output<typeof agentOptions>): AgentSettings {
  return {
    state: resolve(state),
    host: host ?? hostname(),
    log: { level: log.level, ...(log.file && { file: resolve(log.file) }) },
    query,
    dora,
    retention: { schedule: retention.schedule.trim() || null },
  };
}

function comesRound(schedule: string): boolean {
  try {
    return new Cron(schedule).nextRun() !== null;
  } catch {
    return false;
  }
}
