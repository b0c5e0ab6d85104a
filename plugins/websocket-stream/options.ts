import { duration, listenAddress, size, z } from '../../core/contract/index.ts';

const LEAST_BUFFER = 64 * 1024;

export const options = z.strictObject({
  listen: listenAddress('127.0.0.1:8000').describe('Where to listen. Sinks with the same address share one port.'),
  max_clients: z.int().min(1).max(100_000).default(1000).describe('Clients at the same time; one more is answered 503.'),
  max_buffer: size('1MiB')
    .refine((bytes) => bytes >= LEAST_BUFFER, { error: 'must be at least 64KiB' })
    .describe(
      'Bytes that wait for one client, plus at most one entry. When it is full, nothing more is taken from the feed for this client.',
    ),
  heartbeat: duration('15s')
    .refine((ms) => ms >= 50, { error: 'must be at least 50ms' })
    .describe('How often a client is pinged. One that leaves two pings unanswered, and takes no data, is cut.'),
  policy: z
    .enum(['latest', 'complete'])
    .default('latest')
    .describe(
      'For clients that name no `policy`: `latest` skips what a slow client cannot take, and says so in a `gap`; `complete` never skips, and falls behind.',
    ),
});

export type Options = z.output<typeof options>;
