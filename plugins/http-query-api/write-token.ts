import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type Log, problem } from '../../core/contract/index.ts';
import { Refusal } from './faults.ts';
import { type Options, SHORTEST_TOKEN, TOKEN } from './options.ts';

const HOW = `configure write_token (${SHORTEST_TOKEN} characters or more) or write_token_file for this API`;

/**
 * Throws a {@link Refusal} unless the header `Authorization` carries the configured token: 403 when none is configured, so that
 * writing is off, 401 when it is missing or another one, 503 when its file cannot be used.
 */
export async function checkToken(options: Options, authorization: string | undefined, log: Log): Promise<void> {
  const token = options.write_token || (await tokenOfFile(options, log));
  if (!token) throw new Refusal(problem(403, 'ERR_WRITES_OFF', `writing is off; to switch it on, ${HOW}`));
  const given = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
  if (given !== undefined && isSame(given, token)) return;
  const detail =
    given === undefined
      ? 'say who you are by the header Authorization: Bearer TOKEN, with the write_token of this API; `cauce metrics add` takes it from CAUCE_TOKEN or --token-file'
      : 'this is not the write_token of this API';
  const challenge = given === undefined ? 'Bearer realm="cauce"' : 'Bearer realm="cauce", error="invalid_token"';
  throw new Refusal(problem(401, 'ERR_TOKEN', detail), { 'www-authenticate': challenge });
}

/** Read at each request, so that the token may be changed without a restart. */
async function tokenOfFile({ write_token_file: file }: Options, log: Log): Promise<string | undefined> {
  if (!file) return undefined;
  let fault: string;
  try {
    const token = (await readFile(file, 'utf8')).trim();
    if (TOKEN.test(token)) return token;
    fault = `holds no token of ${SHORTEST_TOKEN} or more printable characters`;
  } catch (error) {
    fault = `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`;
  }
  log.error('nothing can be written', { write_token_file: file, error: fault });
  throw new Refusal(problem(503, 'ERR_TOKEN_FILE', `the write_token_file of this API ${fault}; its administrator has to mend that`));
}

/** Takes the same time whatever is wrong. */
function isSame(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
