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

/** The request is wrong, and asking again will not help. `parameter` is what to mend. */
export class RequestError extends CauceError {
  readonly parameter: string;
  constructor(parameter: string, message: string, options?: { cause?: unknown; code?: string }) {
    super(options?.code ?? 'ERR_REQUEST', message, options);
    this.parameter = parameter;
  }
}

/** The message of anything thrown, with its causes, on one line. */
export function describe(error: unknown): string {
  const parts: string[] = [];
  for (let at: unknown = error; at !== undefined && parts.length < 5; at = at instanceof Error ? at.cause : undefined) {
    const text = at instanceof Error ? at.message || at.name : String(at);
    if (!parts.some((part) => part.includes(text))) parts.push(text);
  }
  const text = parts.join(': ').replace(/\s*\n\s*/g, ' ');
  return text === '' ? 'it threw undefined' : text;
}
