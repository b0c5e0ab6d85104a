import { CauceError, RetryableError } from '../../core/contract/index.ts';
import { RowRefused } from '../../core/table/index.ts';

/** What an error message names; none of it is a secret. */
export interface Place {
  /** `host:port`. */
  readonly at: string;
  readonly user: string;
  readonly table: string;
  /** Connections are asked to be. */
  readonly encrypted: boolean;
}

/** As mysql2, Node's sockets and Node's TLS tell a fault. */
interface Fault {
  readonly code?: unknown;
  readonly errno?: unknown;
  readonly fatal?: unknown;
  readonly message?: unknown;
}

type Advice = (place: Place) => string;

const down: Advice = ({ at }) => `nothing listens at ${at}: start the database server, or mend host and port`;
const unreachable: Advice = ({ at }) => `${at} cannot be reached: look at the network, the firewall and the host's name`;
const lost: Advice = ({ at }) =>
  `the connection to ${at} was lost: the server was stopped or restarted, or ended it; the next request connects anew`;
const silent: Advice = ({ at }) => `${at} does not answer in time: the server or the network is overloaded or hangs; see connect_timeout`;
const login: Advice = ({ at, user, encrypted }) =>
  `${at} refuses the login of ${user || 'the anonymous user'}: mend user and password, or what the server has of them${encrypted ? '' : '; MariaDB says the same when it wants encrypted connections: set tls then'}`;
const host: Advice = ({ at }) =>
  `${at} takes no connection from this machine: let the user log in from here, or FLUSH HOSTS when it is blocked`;
const crowded: Advice = ({ at }) => `${at} has no connection left: raise max_connections or the user's limit there, or lower pool here`;
const prepared: Advice = ({ at }) =>
  `${at} keeps no more prepared statements: raise max_prepared_stmt_count there, or lower pool here and in what else uses the server`;
const slow: Advice = ({ at }) =>
  `a statement at ${at} took longer than timeout allows: the table is locked, an index is missing, or the server is busy; see the probe`;
const privilege: Advice = ({ user, table, at }) =>
  `${user || 'the user'} lacks a privilege for ${table} at ${at}: GRANT SELECT, and to write or to make the table also the others that the README names`;
const noTable: Advice = ({ at, table }) => `there is no table ${table} at ${at}: create it with cauce schema apply, or mend table`;
const changed: Advice = ({ table, at }) => `the columns of ${table} at ${at} have changed; they are looked at again with the next request`;
const plain: Advice = ({ at }) => `${at} wants an encrypted connection: set tls: {}`;
const noTls: Advice = ({ at }) => `${at} offers no encrypted connection: enable TLS there, or leave tls out`;
const untrusted: Advice = ({ at }) =>
  `the certificate of ${at} is not trusted: name its authority's file as tls.ca, and a host name that it is made out to; verify: false believes anybody`;

const ADVICE: Readonly<Record<string, Advice>> = {
  ECONNREFUSED: down,
  ENOTFOUND: unreachable,
  EAI_AGAIN: unreachable,
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  ETIMEDOUT: silent,
  ECONNRESET: lost,
  EPIPE: lost,
  PROTOCOL_CONNECTION_LOST: lost,
  PROTOCOL_UNEXPECTED_PACKET: lost,
  ER_SERVER_SHUTDOWN: lost,
  ER_NORMAL_SHUTDOWN: lost,
  ER_CONNECTION_KILLED: lost,
  ER_NEW_ABORTING_CONNECTION: lost,
  ER_CLIENT_INTERACTION_TIMEOUT: lost,
  ER_ACCESS_DENIED_ERROR: login,
  ER_ACCESS_DENIED_NO_PASSWORD_ERROR: login,
  ER_ACCOUNT_HAS_BEEN_LOCKED: login,
  ER_MUST_CHANGE_PASSWORD: login,
  ER_MUST_CHANGE_PASSWORD_LOGIN: login,
  ER_HOST_NOT_PRIVILEGED: host,
  ER_HOST_IS_BLOCKED: host,
  ER_CON_COUNT_ERROR: crowded,
  ER_TOO_MANY_USER_CONNECTIONS: crowded,
  ER_USER_LIMIT_REACHED: crowded,
  ER_MAX_PREPARED_STMT_COUNT_REACHED: prepared,
  ER_STATEMENT_TIMEOUT: slow,
  ER_QUERY_TIMEOUT: slow,
  ER_LOCK_WAIT_TIMEOUT: slow,
  ER_QUERY_INTERRUPTED: slow,
  ER_DBACCESS_DENIED_ERROR: privilege,
  ER_TABLEACCESS_DENIED_ERROR: privilege,
  ER_COLUMNACCESS_DENIED_ERROR: privilege,
  ER_SPECIFIC_ACCESS_DENIED_ERROR: privilege,
  ER_BAD_DB_ERROR: ({ at }) => `there is no such database at ${at}: create it, or mend database`,
  ER_NO_SUCH_TABLE: noTable,
  ER_BAD_FIELD_ERROR: changed,
  ER_NEED_REPREPARE: changed,
  ER_TABLE_DEF_CHANGED: changed,
  ER_LOCK_DEADLOCK: ({ at }) => `${at} broke off a statement because of a deadlock; repeat it`,
  ER_SECURE_TRANSPORT_REQUIRED: plain,
  HANDSHAKE_NO_SSL_SUPPORT: noTls,
  HANDSHAKE_SSL_ERROR: untrusted,
};

/** MariaDB's numbers that mysql2 has no name for, or another one. */
const NUMBERS: Readonly<Record<number, Advice>> = {
  1698: login,
  1927: lost,
  1969: slow,
  4151: login,
};

/** Faults that have no code, or one of many, as OpenSSL's. */
const WORDS: readonly (readonly [RegExp, Advice])[] = [
  [/certificate|altname/i, untrusted],
  [/closed state|closed connection|connection.*(lost|closed)/i, lost],
  [/connect ETIMEDOUT|handshake.*timeout/i, silent],
];

/**
 * A fault of the driver for a person: what, where, and how to mend it. All of it may mend itself or be mended at the server, so all of it
 * may be tried again; none of it is a reason to give the instance up.
 */
export function explain(error: unknown, place: Place): Error {
  if (error instanceof CauceError) return error;
  const advice = adviceFor(error as Fault);
  if (!advice && error instanceof Error && codeOf(error) === undefined) return error;
  const text = advice ? advice(place) : `the database at ${place.at} refused a statement on ${place.table}`;
  return new RetryableError(text, {
    cause: bare(error),
    ...(typeof codeOf(error) === 'string' && { code: `ERR_${codeOf(error)}`.replace('ERR_ER_', 'ERR_DB_') }),
  });
}

const DUPLICATE = 1062;
/** Not null, foreign key, length, range, wrong value, trigger's SIGNAL, CHECK of MySQL and of MariaDB. */
const REFUSALS: readonly number[] = [1048, 1216, 1264, 1265, 1292, 1364, 1366, 1406, 1452, 1644, 3819, 4025, DUPLICATE];

/** What is wrong with the row alone; anything else as it is. */
export function refusal(error: unknown): unknown {
  const { errno } = error as Fault;
  if (typeof errno !== 'number' || !REFUSALS.includes(errno)) return error;
  return new RowRefused(`the database refuses the row: ${bare(error).message}`, errno === DUPLICATE);
}

/** The connection is of no more use. */
export function isFatal(error: unknown): boolean {
  const { fatal, errno } = error as Fault;
  return fatal === true || typeof errno !== 'number' || errno < 0 || adviceFor(error as Fault) === lost;
}

/** The server went away, or had gone before. */
export function isLost(error: unknown): boolean {
  return adviceFor(error as Fault) === lost;
}

/** The table is not what it was when it was looked at. */
export function isChanged(error: unknown): boolean {
  const advice = adviceFor(error as Fault);
  return advice === changed || advice === noTable;
}

function adviceFor({ code, errno, message }: Fault): Advice | undefined {
  if (typeof code === 'string' && Object.hasOwn(ADVICE, code)) return ADVICE[code];
  if (typeof errno === 'number' && NUMBERS[errno]) return NUMBERS[errno];
  return WORDS.find(([words]) => words.test(String(message)))?.[1];
}

function codeOf(error: unknown): unknown {
  return (error as Fault).code;
}

/** The message alone: mysql2 hangs the statement and its values on an error, and an error of several addresses has no message. */
function bare(error: unknown): Error {
  if (error instanceof AggregateError && error.message === '') return bare(error.errors[0]);
  return new Error(error instanceof Error ? error.message : String(error));
}
