import { listenAddress, z } from '../../core/contract/index.ts';

export const options = z.strictObject({
  listen: listenAddress('127.0.0.1:8000').describe('Where to listen. Sinks with the same address share one port.'),
  default_limit: z
    .int()
    .min(1)
    .max(100_000)
    .default(1000)
    .describe('Rows in an answer when the request names no `limit`; never above `max_limit`.'),
  max_limit: z.int().min(1).max(100_000).default(10_000).describe('The largest `limit` that a request may ask for.'),
});

export type Options = z.output<typeof options>;
