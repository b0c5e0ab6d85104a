import { duration, z } from '../../core/contract/index.ts';
import { parseHosts } from './hosts.ts';

const HOUR_MS = 3_600_000;
const LONGEST_TTL_MS = 20 * 365 * 24 * HOUR_MS;

const tls = z.strictObject({
  ca: z.string().min(1).optional().describe('A file with the certificates to trust (PEM). Default: those that Node trusts.'),
  cert: z.string().min(1).optional().describe('A file with the certificate to show to the nodes.'),
  key: z.string().min(1).optional().describe('A file with the key of `cert`.'),
  verify: z.boolean().default(true).describe('Off: encrypted, but whoever answers is believed.'),
});

/** What the source and the sink of the same cluster both take. */
export const clusterOptions = {
  hosts: z
    .union([z.string(), z.array(z.string()).min(1)])
    .default('127.0.0.1')
    .transform((given) => (typeof given === 'string' ? given.split(',') : given).map((host) => host.trim()))
    .superRefine((hosts, context) => {
      const parsed = parseHosts(hosts);
      if (typeof parsed === 'string') context.addIssue({ code: 'custom', message: parsed });
    })
    .describe('Nodes to ask first, with commas between them or as a list; the others are learnt from these. `host` or `host:port`.'),
  port: z.coerce.number().int().min(1).max(65_535).default(9042).describe('The port of all nodes, unless `hosts` names one.'),
  data_center: z
    .string()
    .min(1)
    .optional()
    .describe('The data centre to talk to, where the cluster has several. Default: that of the first host which answers.'),
  keyspace: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,47}$/, { error: 'expected a name of a to z, 0 to 9 and _, at most 48 of them, that begins with a letter' })
    .default('logging'),
  user: z.string().optional().describe('Left out, or empty: no login.'),
  password: z.string().optional(),
  password_file: z.string().min(1).optional().describe('A file that holds the password. A newline at its end does not count.'),
  tls: z
    .union([z.literal(false), tls])
    .default(false)
    .describe('`{}` for encrypted connections to nodes with trusted certificates.'),
  replication: z
    .union([z.coerce.number().int().min(1).max(9), z.record(z.string().min(1), z.number().int().min(1).max(9))])
    .default(3)
    .describe('Copies of each line, when the keyspace is made: in the local data centre, or `{ dc1: 3, dc2: 2 }`.'),
  shards: z
    .number()
    .int()
    .min(1)
    .max(256)
    .optional()
    .describe(
      "Partitions of one service's hour, fixed when the table is made; more of them for a service of millions of lines an hour. Default: 8.",
    ),
  keep: duration('90d')
    .refine((ms) => ms >= HOUR_MS && ms <= LONGEST_TTL_MS, {
      error: 'expected 1h to 7300d, which is the longest time to live of Cassandra',
    })
    .describe("How long a line is kept, counted from the line's own time."),
  connect_timeout: duration('5s').describe('For one connection to a node.'),
  timeout: duration('5s').describe('For one answer of a node; then another one is asked.'),
};

const schema = z.strictObject(clusterOptions);
/** As the plugins receive them. */
export type ClusterOptions = z.output<typeof schema>;

/** For how long a line is kept, as Cassandra counts it. */
export function keepSeconds({ keep }: Pick<ClusterOptions, 'keep'>): number {
  return Math.floor(keep / 1000);
}
