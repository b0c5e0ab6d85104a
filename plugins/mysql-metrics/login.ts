import { readFile } from 'node:fs/promises';
import type { ConnectionOptions, SslOptions } from 'mysql2/promise';
import { RetryableError } from '../../core/contract/index.ts';
import { type Options, splitTable } from './options.ts';
import { type Address, parseUrl } from './url.ts';

/** Where the server is and how to log in there; the files that it takes are read anew for each connection. */
export interface Login {
  /** `host:port`, for messages; it holds no secret. */
  readonly at: string;
  readonly user: string;
  /** The one that the table is in, so that the table's name alone is enough in a statement. */
  readonly database: string;
  config(): Promise<ConnectionOptions>;
}

export function loginOf(options: Options): Login {
  const address = addressOf(options);
  const { host, port, user = '' } = address;
  const database = splitTable(options.table)[0] ?? address.database ?? '';
  return {
    at: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`,
    user,
    database,
    async config() {
      const password = options.password_file === undefined ? address.password : await passwordOf(options.password_file);
      const ssl = options.tls && (await tlsOf(options.tls));
      return {
        host,
        port,
        user,
        ...(password !== undefined && { password }),
        database,
        ...(ssl && { ssl }),
        connectTimeout: options.connect_timeout,
        charset: 'utf8mb4',
        rowsAsArray: true,
        dateStrings: true,
        supportBigNumbers: true,
        bigNumberStrings: true,
        jsonStrings: true,
        multipleStatements: false,
        flags: ['-LOCAL_FILES'],
        maxPreparedStatements: 200,
      };
    },
  };
}

function addressOf(options: Options): Address {
  if (options.url !== undefined) {
    const parsed = parseUrl(options.url);
    if (typeof parsed === 'string') throw new TypeError(parsed);
    return parsed;
  }
  const { host = '127.0.0.1', port = 3306, user, password, database } = options;
  return {
    host,
    port,
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
    ...(database !== undefined && { database }),
  };
}

async function passwordOf(path: string): Promise<string> {
  return (await fileOf('password_file', path)).toString('utf8').replace(/\r?\n$/, '');
}

async function tlsOf(tls: Exclude<Options['tls'], false>): Promise<SslOptions> {
  return {
    rejectUnauthorized: tls.verify,
    verifyIdentity: tls.verify,
    ...(tls.ca !== undefined && { ca: await fileOf('tls.ca', tls.ca) }),
    ...(tls.cert !== undefined && { cert: await fileOf('tls.cert', tls.cert) }),
    ...(tls.key !== undefined && { key: await fileOf('tls.key', tls.key) }),
  };
}

async function fileOf(option: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new RetryableError(`cannot read the file of ${option}, ${path}; make it readable for this agent`, { cause: error });
  }
}
