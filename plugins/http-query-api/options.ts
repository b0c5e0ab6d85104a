import { listenAddress, z } from '../../core/contract/index.ts';

export const SHORTEST_TOKEN = 16;
export const TOKEN = /^[\x21-\x7e]{16,1024}$/;

export const options = z
  .strictObject({
    listen: listenAddress('127.0.0.1:8000').describe('Where to listen. Sinks with the same address share one port.'),
    default_limit: z
      .int()
      .min(1)
      .max(100_000)
      .default(1000)
      .describe('Rows in an answer when the request names no `limit`; never above `max_limit`.'),
    max_limit: z.int().min(1).max(100_000).default(10_000).describe('The largest `limit` that a request may ask for.'),
    write_token: z
      .string()
      .trim()
      .refine((token) => token === '' || TOKEN.test(token), {
        error: `expected ${SHORTEST_TOKEN} printable characters or more, without blanks, or nothing at all`,
      })
      .default('')
      .describe(
        'Who sends it may add metrics by `POST /api/data/metrics`. Empty: writing is off. Keep it in the environment: `"${CAUCE_TOKEN:-}"`.',
      ),
    write_token_file: z
      .string()
      .default('')
      .describe('A file that holds the token instead; read at each request, so that it may be changed at any time.'),
  })
  .refine(({ write_token, write_token_file }) => !write_token || !write_token_file, {
    error: 'write_token is given already; give one of the two',
    path: ['write_token_file'],
  });

export type Options = z.output<typeof options>;
