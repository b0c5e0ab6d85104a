import { randomUUID } from 'node:crypto';
import {
  type CauceError,
  describe,
  type Log,
  type Page,
  type Problem,
  problem,
  RequestError,
  RetryableError,
} from '../../core/contract/index.ts';
import { reportsOf } from './reports.ts';

/** The answer to anything that was thrown while a request was answered. What nobody expected is logged and not shown. */
export function problemOf(error: unknown, types: readonly string[], log: Log): Problem {
  if (error instanceof RequestError) {
    const more = error.parameter === 'type' ? { valid_types: types } : {};
    return problem(400, error.code, error.message, { parameter: error.parameter, ...more });
  }
  if (error instanceof Refusal) return error.problem;
  if (error instanceof RetryableError) return problem(error.code === 'ERR_SOURCES_TIMEOUT' ? 504 : 503, error.code, error.message);
  const { statusCode = 500, code = 'ERR_REQUEST' } = error as { statusCode?: number } & Partial<CauceError>;
  if (statusCode === 413) return problem(413, 'ERR_TOO_LARGE', 'the body is larger than 1 MiB; send it in parts');
  if (statusCode >= 400 && statusCode < 500) return problem(statusCode, code, describe(error));
  const id = randomUUID();
  log.error('a request failed unexpectedly', {
    request_id: id,
    error: describe(error),
    ...(error instanceof Error && error.stack && { stack: error.stack }),
  });
  return problem(500, 'ERR_INTERNAL', `something went wrong inside the agent; its log says what, under request_id ${id}`, {
    instance: `urn:uuid:${id}`,
    request_id: id,
  });
}

/** A request that is refused with this very answer. */
export class Refusal extends Error {
  readonly problem: Problem;
  readonly headers: Readonly<Record<string, string>>;

  constructor(refused: Problem, headers: Readonly<Record<string, string>> = {}) {
    super(refused.detail);
    this.problem = refused;
    this.headers = headers;
  }
}

/** No source could answer, so there is nothing to answer with: 504 when all of them were too slow, else 503. */
class SourcesFailed extends Refusal {
  constructor(page: Page) {
    const slow = page.sources.every((report) => report.status === 'timeout');
    const each = page.sources.map((report) => `${report.name}: ${report.error ?? report.status}`).join('; ');
    super(
      problem(slow ? 504 : 503, slow ? 'ERR_SOURCES_TIMEOUT' : 'ERR_SOURCES_FAILED', `no source could answer (${each})`, {
        sources: reportsOf(page),
      }),
    );
  }
}

/** Throws when there are sources and every one of them failed without a row. */
export function throwIfAllFailed(page: Page): void {
  const failed = page.sources.length > 0 && page.entries.length === 0 && page.sources.every((report) => report.status !== 'ok');
  if (failed) throw new SourcesFailed(page);
}
