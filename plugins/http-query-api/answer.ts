import { dataTypes, type Page, parseQuery, type QueryRequest, RequestError, type Services } from '../../core/contract/index.ts';
import { csvRows } from './csv.ts';
import { throwIfAllFailed } from './faults.ts';
import { jsonHealth } from './health.ts';
import type { Options } from './options.ts';
import { jsonRows, ndjsonRows, summaryHeader } from './rows.ts';

export type QueryServices = Pick<Services, 'query' | 'latest' | 'sources'>;

export interface Answer {
  /** Default: 200. */
  readonly status?: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const PRESENT_HEALTH = ['type', 'source', 'days', 'limit', 'format', 'history'];

/** Answers `GET /api/data/query`; `search` is the query string as it came. */
export async function answerQuery(search: string, agent: QueryServices, options: Options, signal: AbortSignal): Promise<Answer> {
  const parameters = new URLSearchParams(search);
  const request = parseQuery(parameters, {
    types: dataTypes(agent.sources()),
    defaultLimit: Math.min(options.default_limit, options.max_limit),
    maxLimit: options.max_limit,
  });
  const present = request.type === 'health' && !request.history;
  checkHistory(request, present, parameters);
  const page = present
    ? await agent.latest('health', request.sources ? { sources: request.sources } : {}, signal)
    : await agent.query(request.type, request.page, signal);
  throwIfAllFailed(page);
  return format(request, page, present);
}

/** A parameter that would be without effect is refused, so that nobody takes the answer for what it is not. */
function checkHistory(request: QueryRequest, present: boolean, parameters: URLSearchParams): void {
  if (request.history && request.type !== 'health') {
    throw new RequestError('history', `history is for type=health; type=${request.type} always answers what was recorded`);
  }
  const idle = present ? [...parameters.keys()].find((name) => !PRESENT_HEALTH.includes(name)) : undefined;
  if (idle !== undefined) {
    throw new RequestError(idle, `${idle} selects from what was recorded: add history=1, or leave it out for the present state`);
  }
}

function format(request: QueryRequest, page: Page, present: boolean): Answer {
  switch (request.format) {
    case 'json':
      return {
        headers: { 'content-type': 'application/json; charset=utf-8' },
        body: present ? Buffer.from(jsonHealth(page)) : jsonRows(request, page),
      };
    case 'ndjson':
      return { headers: { 'content-type': 'application/x-ndjson; charset=utf-8' }, body: ndjsonRows(page) };
    case 'csv':
      return {
        headers: { 'content-type': 'text/csv; charset=utf-8; header=present', 'cauce-summary': summaryHeader(page) },
        body: Buffer.from(csvRows(page)),
      };
  }
}
