import type { IncomingHttpHeaders } from 'node:http';
import {
  type Appended,
  CauceError,
  collectParameters,
  type Draft,
  formatTime,
  type JsonObject,
  type Log,
  PermanentError,
  problem,
  RequestError,
  type Services,
} from '../../core/contract/index.ts';
import type { Answer } from './answer.ts';
import { Refusal } from './faults.ts';
import type { Options } from './options.ts';
import { Pins } from './pins.ts';
import { parseBody, type RecordBody } from './record-body.ts';
import { recordParameters } from './record-schema.ts';
import { splice } from './splice.ts';
import { checkToken } from './write-token.ts';

export const LARGEST_BODY = 1024 * 1024;
const TYPE = 'metrics';
const MOST_FAULTS = 20;

interface Parts {
  readonly agent: Pick<Services, 'append' | 'state'>;
  readonly options: Options;
  readonly log: Log;
}

export interface RecordRequest {
  /** The query string as it came. */
  readonly search: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

export interface Recorder {
  /** Looks at the headers, before the body is read. Throws a {@link Refusal}. */
  admit(headers: IncomingHttpHeaders): Promise<void>;
  record(request: RecordRequest, signal: AbortSignal): Promise<Answer>;
}

type Fault = Extract<Appended, { readonly status: 'conflict' | 'invalid' }>;
type Written = Extract<Appended, { readonly status: 'added' | 'present' }>;

/** Answers `POST /api/data/metrics`. */
export function createRecorder({ agent, options, log }: Parts): Recorder {
  const pins = new Pins(agent.state);

  async function append(request: RecordRequest, given: RecordBody, source: string | undefined, signal: AbortSignal) {
    const key = keyOf(request.headers);
    const pin = key === undefined ? undefined : await pins.pin(key, `${source ?? ''}\n${given.text}`, given.bodies.length);
    let mayHaveAdded = true;
    try {
      const asked = { bodies: given.bodies, ...(source !== undefined && { source }), ...(pin && { time: pin.time }) };
      const answer = await agent.append(TYPE, asked, signal);
      mayHaveAdded = !answer.results.some(isFault);
      return answer;
    } catch (error) {
      mayHaveAdded = !addedNothing(error);
      throw error;
    } finally {
      if (key !== undefined) await pins.settle(key, mayHaveAdded);
    }
  }

  return {
    async admit(headers) {
      await checkToken(options, headers.authorization, log);
      const type = headers['content-type'] ?? '';
      const encoding = headers['content-encoding'] ?? 'identity';
      if (encoding.toLowerCase() !== 'identity') {
        const detail = `the body must come as it is, without Content-Encoding: ${encoding.slice(0, 100)}`;
        throw new Refusal(problem(415, 'ERR_MEDIA_TYPE', detail), { 'accept-encoding': 'identity' });
      }
      if (/^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i.test(type)) return;
      const detail = `the body must be JSON, with the header Content-Type: application/json${type === '' ? '' : `, not ${type.slice(0, 100)}`}`;
      throw new Refusal(problem(415, 'ERR_MEDIA_TYPE', detail), { accept: 'application/json' });
    },

    async record(request, signal) {
      const values = collectParameters(new URLSearchParams(request.search), Object.keys(recordParameters.shape));
      const given = parseBody(request.body);
      const { source, results } = await append(request, given, sourceOf(values['source']), signal);
      refuseFaults(results, given);
      return answerOf(source, results as readonly Written[]);
    },
  };
}

function sourceOf(given: string | string[] | undefined): string | undefined {
  if (given === undefined) return undefined;
  const names = [given].flat();
  if (names.length !== 1 || names[0] === '') throw new RequestError('source', 'source is the name of one source');
  return names[0];
}

function keyOf(headers: IncomingHttpHeaders): string | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && /^[\x20-\x7e]{1,255}$/.test(key)) return key;
  throw new RequestError('Idempotency-Key', 'Idempotency-Key is 1 to 255 printable characters of ASCII');
}

/** The request was refused, or its source says so; see `Source.append`. */
function addedNothing(error: unknown): boolean {
  if (error instanceof RequestError) return true;
  const { cause } = error as { cause?: unknown };
  return cause instanceof PermanentError || (cause instanceof CauceError && cause.code === 'ERR_NOT_ADDED');
}

function isFault(result: Appended): result is Fault {
  return result.status === 'invalid' || result.status === 'conflict';
}

function refuseFaults(results: readonly Appended[], { single }: RecordBody): void {
  const faults = results.flatMap((result, index) => (isFault(result) ? [{ result, parameter: pointer(result, index, single) }] : []));
  const first = faults.find(({ result }) => result.status === 'invalid') ?? faults[0];
  if (!first) return;
  const [status, code] = first.result.status === 'invalid' ? ([400, 'ERR_REQUEST'] as const) : ([409, 'ERR_CONFLICT'] as const);
  const errors = faults.slice(0, MOST_FAULTS).map(({ result, parameter }) => ({ parameter, detail: result.reason }));
  const detail = single ? first.result.reason : `${first.parameter}: ${first.result.reason}; nothing was added`;
  throw new Refusal(problem(status, code, detail, { parameter: first.parameter, ...(!single && { errors }) }));
}

/** A field of the one body, or in a list a JSON pointer (RFC 6901). */
function pointer({ field }: Fault, index: number, single: boolean): string {
  if (single) return field ?? 'body';
  return field === undefined ? `/${index}` : `/${index}/${field.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

function answerOf(source: string, results: readonly Written[]): Answer {
  const added = results.filter(({ status }) => status === 'added').length;
  const head = { count: results.length, source, added, present: results.length - added };
  const [row] = results;
  return {
    status: 201,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      ...(row && results.length === 1 && { location: locationOf(source, row.entry) }),
      ...(added === 0 && { 'idempotency-replayed': 'true' }),
    },
    body: splice(
      `${JSON.stringify(head).slice(0, -1)},"data":[`,
      results.map(({ entry }) => entry.json),
      ',',
      ']}',
    ),
  };
}

/** A query that answers the row, by its time and, where it tells one, its `id`. */
function locationOf(source: string, { time, json }: Draft): string {
  const { id } = JSON.parse(json) as JsonObject;
  const search = new URLSearchParams({ type: TYPE, source, from: formatTime(time), to: formatTime(time + 1) });
  if (typeof id === 'number') search.set('where', `id=${(JSON.parse(numbersAsTexts(json)) as JsonObject)['id']}`);
  return `/api/data/query?${search}`;
}

/** A JSON text whose numbers stand in quotes, so that parsing it loses none of their digits. */
function numbersAsTexts(json: string): string {
  return json.replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, (token) => (token.startsWith('"') ? token : `"${token}"`));
}
