import { z } from '../../core/contract/index.ts';
import { isService } from '../cassandra/keys.ts';
import { clusterOptions } from '../cassandra/options.ts';

export const options = z.strictObject({
  ...clusterOptions,
  service: z
    .string()
    .refine(isService, { error: 'expected a name of 1 to 256 bytes' })
    .optional()
    .describe("The service of lines that have no field `service`. Default: the source's name."),
  consistency: z
    .enum(['local_one', 'local_quorum', 'each_quorum', 'quorum', 'all'])
    .default('local_quorum')
    .describe('How many replicas confirm a line before it counts as written.'),
  concurrency: z
    .number()
    .int()
    .min(1)
    .max(1024)
    .default(128)
    .describe('The most writes that are under way at a time; how many there are, the answers of the nodes decide.'),
  create: z.boolean().default(true).describe('Makes the keyspace and the tables when they are missing. Off: cauce schema apply does.'),
});

export type Options = z.output<typeof options>;
