import { duration, z } from '../../core/contract/index.ts';
import { clusterOptions } from '../cassandra/options.ts';

export const options = z.strictObject({
  ...clusterOptions,
  read_consistency: z
    .enum(['local_quorum', 'local_one'])
    .default('local_quorum')
    .describe('`local_quorum` answers what was written before; `local_one` is quicker, and may leave out what one node missed.'),
  every: duration('1s').describe('How often followers look for new lines.'),
  overlap: duration('60s').describe(
    'How late what was written may become visible, and how far the clocks of hosts may differ. Lines of as long come again when a follower resumes.',
  ),
  create: z.boolean().default(true).describe('Make the keyspace and the tables at the start when they are missing.'),
  label: z.string().min(1).optional().describe('What answers call this source. Default: `Cassandra (<keyspace>.application_logs)`.'),
});

export type Options = z.output<typeof options>;
