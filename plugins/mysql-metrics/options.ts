import { isIP } from 'node:net';
import { duration, keepFor, z } from '../../core/contract/index.ts';
import { parseUrl } from './url.ts';

/** What a database takes for a name. It stands between backticks in every statement, and a backtick in it is doubled. */
const name = z
  .string()
  .min(1)
  .max(64, { error: 'a name has at most 64 characters' })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be in a name
  .regex(/^[^\u0000-\u001f\u007f]*[^\u0000-\u0020\u007f]$/, { error: 'a name has no control characters, and no blank at its end' });

const tls = z.strictObject({
  ca: z.string().min(1).optional().describe('A file with the certificates to trust (PEM). Default: those that Node trusts.'),
  cert: z.string().min(1).optional().describe('A file with the certificate to show to the server.'),
  key: z.string().min(1).optional().describe('A file with the key of `cert`.'),
  verify: z.boolean().default(true).describe('Off: encrypted, but whoever answers is believed.'),
});

export const options = z
  .strictObject({
    url: z
      .string()
      .optional()
      .describe('`mysql://user:password@host:port/database`, instead of the next five. Characters such as `@` in a password as `%40`.'),
    host: z.string().min(1).optional().describe('Default: 127.0.0.1.'),
    port: z.coerce.number().int().min(1).max(65_535).optional().describe('Default: 3306.'),
    user: z.string().optional(),
    password: z.string().optional(),
    database: name.optional(),
    password_file: z
      .string()
      .min(1)
      .optional()
      .describe('A file that holds the password; read at each connection, so that it may change. A newline at its end does not count.'),
    table: z
      .string()
      .min(1)
      .max(129)
      .refine((text) => splitTable(text).every((part) => part === undefined || name.safeParse(part).success), {
        error: 'expected a name such as dora_metrics, or database.table; without control characters',
      })
      .default('dora_metrics')
      .describe('Its name, or `database.table`.'),
    id_column: name
      .default('id')
      .describe('A unique column. To be followed exactly it must be an integer that grows, such as AUTO_INCREMENT.'),
    time_column: name.default('created_at').describe('A DATETIME, TIMESTAMP or DATE: when the row was observed.'),
    columns: z
      .record(z.string().min(1).max(64), name)
      .optional()
      .describe('`field: column`: only these columns, by these names, besides the two above. Default: every column by its own name.'),
    label: z.string().min(1).optional().describe('What answers call this source. Default: `MySQL (<table>)`.'),
    time_zone: z
      .string()
      .regex(/^(?:[+-](?:0\d|1[0-2]):[0-5]\d|\+13:00)$/, {
        error: 'expected a fixed offset from -12:59 to +13:00, such as +00:00 or -06:00',
      })
      .default('+00:00')
      .describe('The offset in which DATETIME and DATE columns were written. TIMESTAMP columns need none.'),
    tls: z
      .union([z.literal(false), tls])
      .default(false)
      .describe('`{}` for an encrypted connection to a server with a trusted certificate.'),
    pool: z.number().int().min(1).max(100).default(5).describe('The most connections at a time, besides one for writing.'),
    connect_timeout: duration('5s').describe('For the connection, from the first packet to the login.'),
    timeout: duration('30s').describe('For one statement; the server ends it then.'),
    every: duration('1s').describe('How often new rows are looked for.'),
    late: duration('10m').describe(
      'A transaction that is open for longer than this may commit rows that followers only find later, and count.',
    ),
    keep: keepFor().optional().describe('Rows older than this are deleted by the retention. Default: kept for ever.'),
    writable: z.boolean().default(false).describe('Rows may be added through the agent.'),
  })
  .superRefine((given, context) => {
    const issue = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (given.url !== undefined) {
      const parsed = parseUrl(given.url);
      if (typeof parsed === 'string') issue('url', parsed);
      else if (parsed.database === undefined && !given.table.includes('.')) issue('url', 'it names no database; end it with /database');
      for (const key of ['host', 'port', 'user', 'password', 'database'] as const) {
        if (given[key] !== undefined) issue(key, 'it is a part of url already; give one of the two');
      }
      if (given.password_file !== undefined && typeof parsed !== 'string' && parsed.password !== undefined)
        issue('password_file', 'url has a password already; give one of the two');
    } else if (given.database === undefined && !given.table.includes('.')) {
      issue('database', 'give the name of the database, or a url');
    }
    if (given.password !== undefined && given.password_file !== undefined)
      issue('password_file', 'password is given already; give one of the two');
    const { tls } = given;
    if (tls !== false && tls.verify && isIP(hostOf(given)) !== 0)
      issue('tls', 'a certificate is checked against a name, and the host is an address; give the name of the host, or verify: false');
    if (tls !== false && (tls.cert === undefined) !== (tls.key === undefined)) issue('tls', 'cert and key belong together');
  });

export type Options = z.output<typeof options>;

function hostOf({ url, host = '127.0.0.1' }: { url?: string | undefined; host?: string | undefined }): string {
  const parsed = url === undefined ? undefined : parseUrl(url);
  return typeof parsed === 'object' ? parsed.host : host;
}

/** `database.table` in two; the first dot parts them. */
export function splitTable(text: string): readonly [schema: string | undefined, table: string] {
  const dot = text.indexOf('.');
  return dot < 0 ? [undefined, text] : [text.slice(0, dot), text.slice(dot + 1)];
}
