import { inspect } from 'node:util';
import type { Change } from './source.ts';

/**
 * Every error that crosses the contract has a stable `code`; messages are free to change.
 * An error that is none of these counts as retryable.
 */
export class CauceError extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** One thing wrong in a configuration. Lines and columns count from 1. */
export interface ConfigIssue {
  readonly path: string;
  readonly message: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

/** The configuration is wrong; carries all that is wrong with it at once. */
export class ConfigError extends CauceError {
  readonly issues: readonly ConfigIssue[];
  constructor(message: string, options?: { cause?: unknown; issues?: readonly ConfigIssue[] }) {
    super('ERR_CONFIG', message, options);
    this.issues = options?.issues ?? [];
  }
}

/** This instance cannot work until somebody mends something. Never about a single entry. */
export class PermanentError extends CauceError {
  constructor(message: string, options?: { cause?: unknown; code?: string }) {
    super(options?.code ?? 'ERR_PERMANENT', message, options);
  }
}

/** It may work later; `afterMs` when the other side said how much later. */
export class RetryableError extends CauceError {
  readonly afterMs?: number;
  constructor(message: string, options?: { cause?: unknown; code?: string; afterMs?: number }) {
    super(options?.code ?? 'ERR_RETRYABLE', message, options);
    if (options?.afterMs !== undefined) this.afterMs = options.afterMs;
  }
}

/** A retention run failed after it had made some changes, which cannot be taken back. Reads as its cause does. */
export class PartialRetention extends CauceError {
  readonly changes: readonly Change[];
  constructor(changes: readonly Change[], cause: unknown) {
    super('ERR_PARTIAL_RETENTION', describe(cause), { cause });
    this.changes = changes;
  }
}

/** The request is wrong, and asking again will not help. `parameter` is what to mend. */
export class RequestError extends CauceError {
  readonly parameter: string;
  constructor(parameter: string, message: string, options?: { cause?: unknown; code?: string }) {
    super(options?.code ?? 'ERR_REQUEST', message, options);
    this.parameter = parameter;
  }
}

const MAX_DEPTH = 5;
const MAX_TEXT = 2000;

/** The message of anything thrown, with its causes, on one line of at most about 2000 characters. Never throws itself. */
export function describe(error: unknown): string {
  const parts: string[] = [];
  let at = error;
  for (let depth = 0; depth < MAX_DEPTH && (depth === 0 || at !== undefined); depth++) {
    const { text, cause } = look(at);
    if (!parts.some((part) => part.includes(text))) parts.push(text);
    at = cause;
  }
  const whole = parts.join(': ');
  return whole.length > MAX_TEXT ? `${whole.slice(0, MAX_TEXT)}…` : whole;
}

/** What a plugin throws may be anything, also something that throws when it is looked at. */
function look(thrown: unknown): { text: string; cause?: unknown } {
  try {
    if (thrown instanceof Error) return { text: oneLine(String(thrown.message || thrown.name)), cause: thrown.cause };
    if (typeof thrown === 'string' && thrown !== '') return { text: oneLine(thrown) };
    return { text: `it threw ${oneLine(inspect(thrown, { depth: 1 }))}` };
  } catch {
    return { text: 'it threw something that cannot be shown' };
  }
}

function oneLine(text: string): string {
  return text.slice(0, MAX_TEXT).replace(/\s*\n\s*/g, ' ');
}
