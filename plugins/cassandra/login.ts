import { readFile } from 'node:fs/promises';
import type { ConnectionOptions } from 'node:tls';
import { RetryableError } from '../../core/contract/index.ts';
import type { ClusterOptions } from './options.ts';

/** What a connection needs; files are read anew for each session. */
export interface Login {
  readonly credentials?: { readonly username: string; readonly password: string };
  readonly sslOptions?: ConnectionOptions;
}

export async function loginOf(options: ClusterOptions): Promise<Login> {
  const { user, tls } = options;
  const password = options.password_file === undefined ? options.password : await passwordOf(options.password_file);
  return {
    ...(user && { credentials: { username: user, password: password ?? '' } }),
    ...(tls && { sslOptions: await tlsOf(tls) }),
  };
}

async function passwordOf(path: string): Promise<string> {
  return (await fileOf('password_file', path)).toString('utf8').replace(/\r?\n$/, '');
}

async function tlsOf(tls: Exclude<ClusterOptions['tls'], false>): Promise<ConnectionOptions> {
  return {
    rejectUnauthorized: tls.verify,
    ...(tls.ca !== undefined && { ca: await fileOf('tls.ca', tls.ca) }),
    ...(tls.cert !== undefined && { cert: await fileOf('tls.cert', tls.cert) }),
    ...(tls.key !== undefined && { key: await fileOf('tls.key', tls.key) }),
  };
}

async function fileOf(option: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new RetryableError(`the file of ${option} cannot be read; put it there, or mend the path`, {
      cause: error,
      code: 'ERR_CASSANDRA',
    });
  }
}
