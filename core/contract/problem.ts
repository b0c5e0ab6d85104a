import { STATUS_CODES } from 'node:http';

/** An error answer, RFC 9457 (`application/problem+json`). `error` repeats `detail` for clients of the first system. */
export interface Problem {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly error: string;
  readonly code: string;
  readonly [extension: string]: unknown;
}

/** `detail` says what is wrong and how to mend it; `more` are extension members such as `parameter`. */
export function problem(status: number, code: string, detail: string, more: Readonly<Record<string, unknown>> = {}): Problem {
  return { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail, error: detail, code, ...more };
}
