import { CauceError, describe, RetryableError } from '../../core/contract/index.ts';

/** A node refused a statement for what it says; the same statement will be refused again, other ones may be taken. */
export class StatementRefused extends CauceError {
  constructor(cause: unknown) {
    super('ERR_CASSANDRA_REFUSED', `Cassandra refuses the statement: ${describe(cause)}`, { cause });
  }
}

/** Codes of error responses, section 9 of the native protocol v4, and what to do about them. */
const OVERLOADED = 0x1001;
const BAD_CREDENTIALS = 0x0100;
const UNAUTHORIZED = 0x2100;
const INVALID = new Set([0x2000, 0x2200, 0x2300]);
const REPLICAS: Readonly<Record<number, string>> = {
  4096: 'too few replicas are up; start the nodes that are down (nodetool status shows them)',
  4352: 'too few replicas confirmed the write in time; the nodes are overloaded, or one of them just went down',
  4608: 'too few replicas answered the read in time; the nodes are overloaded, or one of them just went down',
  4864: 'replicas failed while they read; their logs say why',
  5376: 'replicas failed while they wrote; their logs say why',
};

interface Failed {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly innerErrors?: unknown;
}

/** What the driver says, as an error of the contract with what to mend. */
export function fault(error: unknown): unknown {
  if (error instanceof CauceError) return error;
  // The driver says so of a value that it cannot encode.
  if (error instanceof TypeError) return new StatementRefused(error);
  const { name, code, innerErrors } = (error ?? {}) as Failed;
  if (typeof code === 'number') {
    if (INVALID.has(code)) return new StatementRefused(error);
    if (code === UNAUTHORIZED) return denied(error);
    if (code === OVERLOADED) return retryable('the nodes are overloaded', error);
    const replicas = REPLICAS[code];
    if (replicas !== undefined) return retryable(replicas, error);
  }
  if (name === 'NoHostAvailableError') return noHost(error, innerErrors);
  if (name === 'AuthenticationError' || code === BAD_CREDENTIALS) return refusedLogin(error);
  if (name === 'OperationTimedOutError') return retryable('a node gave no answer in time; it hangs, or is overloaded', error);
  return retryable('Cassandra failed', error);
}

/** Of a connection that was never open. */
export function connectionFault(error: unknown, hosts: readonly string[]): unknown {
  const { name, innerErrors } = (error ?? {}) as Failed;
  if (name !== 'NoHostAvailableError') return fault(error);
  const inner = innerErrorsOf(innerErrors);
  if (inner.some(isLogin)) return refusedLogin(inner.find(isLogin));
  const [first] = inner;
  const why = first === undefined ? '' : ` (${describe(first)})`;
  return retryable(`no node answers at ${hosts.join(', ')}${why}; start one, or mend hosts, port and tls`, undefined);
}

function noHost(error: unknown, innerErrors: unknown): unknown {
  const inner = innerErrorsOf(innerErrors);
  // One node that answers says more than those that are down.
  const told = inner.find((one) => typeof (one as Failed | undefined)?.code === 'number');
  if (told) return fault(told);
  return retryable('no node answers; all that are known are down, or cannot be reached', inner[0] ?? error);
}

function innerErrorsOf(innerErrors: unknown): unknown[] {
  return typeof innerErrors === 'object' && innerErrors !== null ? Object.values(innerErrors) : [];
}

function isLogin(error: unknown): boolean {
  const { name, code } = (error ?? {}) as Failed;
  return name === 'AuthenticationError' || code === BAD_CREDENTIALS;
}

function retryable(text: string, cause: unknown): RetryableError {
  return new RetryableError(text, { cause, code: 'ERR_CASSANDRA' });
}

function refusedLogin(cause: unknown): RetryableError {
  return retryable('the nodes refuse the login: mend user and password, or what the cluster has of them', cause);
}

/** It may be granted while the agent runs. */
function denied(cause: unknown): RetryableError {
  return retryable('the user lacks a privilege: GRANT what the README names, or let an administrator run cauce schema apply', cause);
}
