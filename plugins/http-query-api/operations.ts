import { type DataType, queryParameters, type z } from '../../core/contract/index.ts';
import { doraParameters } from './dora-schema.ts';
import { examplesOf, hrefOf, RECORD_EXAMPLE, SAMPLE_VALUES } from './examples.ts';
import { jsonSchema, ref, type SchemaName } from './openapi-schemas.ts';
import { IDEMPOTENCY_KEY, recordParameters } from './record-schema.ts';
import type { RoutePath } from './routes.ts';
import { statsParameters } from './stats-schema.ts';

type Headers = Readonly<Record<string, string>>;

const SOURCES_FAILED = {
  503: problemResponse('No source could answer; each is named.'),
  504: problemResponse('Every source was too slow.'),
};
const WRONG_PARAMETER = { 400: problemResponse('A parameter is wrong; `parameter` names it.') };
const NO_PARAMETERS = { 400: problemResponse('There are no parameters here; `parameter` names one that was given.') };
const CSV = { 'text/csv': { schema: { type: 'string', description: 'The summary stands in the header `cauce-summary`.' } } };
const CSV_HEADERS = headers({ 'cauce-summary': 'With `format=csv`: what else the JSON answer tells, as JSON in ASCII.' });

/** What OpenAPI calls an operation, of each route. */
export function operations(types: readonly DataType[]): Record<RoutePath, object> {
  return {
    '/': page('landing'),
    '/docs': page('docs'),
    '/api/data/query': {
      operationId: 'query',
      ...examples('/api/data/query'),
      parameters: parameters(queryParameters, types),
      responses: {
        200: {
          description: 'The rows; with `type=health` and without `history`, the present health.',
          headers: CSV_HEADERS,
          content: {
            'application/json': { schema: { oneOf: [ref('rowsAnswer'), ref('healthAnswer')] } },
            'application/x-ndjson': { schema: { type: 'string', description: 'A row a line; the last line is a `summaryRecord`.' } },
            ...CSV,
          },
        },
        ...WRONG_PARAMETER,
        ...SOURCES_FAILED,
      },
    },
    '/api/data/stats': {
      operationId: 'stats',
      ...examples('/api/data/stats'),
      parameters: parameters(statsParameters, types),
      responses: {
        200: { description: 'The groups.', headers: CSV_HEADERS, content: { ...content('statsAnswer'), ...CSV } },
        ...WRONG_PARAMETER,
        ...SOURCES_FAILED,
      },
    },
    '/api/data/dora': {
      ...json('dora', 'doraAnswer', { ...WRONG_PARAMETER, ...SOURCES_FAILED }),
      ...examples('/api/data/dora'),
      parameters: parameters(doraParameters, types),
    },
    '/api/data/catalog': json('catalog', 'catalogAnswer', NO_PARAMETERS),
    '/api/data/retention': json('retention', 'retentionAnswer', NO_PARAMETERS),
    '/api/data/metrics': recordOperation(types),
    '/api/data/sources': json('sources', 'sourcesAnswer'),
    '/openapi.json': { operationId: 'openapi', responses: { 200: { description: 'This document.', content: { 'application/json': {} } } } },
    '/-/healthy': json('healthy', 'healthyAnswer'),
    '/-/ready': json('ready', 'readyAnswer'),
    '/metrics': { operationId: 'metrics', responses: { 200: { description: 'Metrics.', content: { 'text/plain': {} } } } },
  };
}

function recordOperation(types: readonly DataType[]): object {
  const one = ref('recordBody');
  const schema = { oneOf: [one, { type: 'array', minItems: 1, maxItems: 1000, items: one }] };
  return {
    operationId: 'record',
    security: [{ writeToken: [] }],
    parameters: [
      ...parameters(recordParameters, types),
      { ...IDEMPOTENCY_KEY, in: 'header', required: false, schema: { type: 'string', maxLength: 255 } },
    ],
    requestBody: {
      required: true,
      description: 'At most 1 MiB. All rows are added, or none.',
      content: { 'application/json': { schema, example: RECORD_EXAMPLE } },
    },
    responses: {
      201: {
        description: 'Added, or there already.',
        headers: headers({
          location: 'Of one row: the query that answers it.',
          'idempotency-replayed': '`true` when nothing was added, as all of it was there already.',
        }),
        content: content('recordAnswer'),
      },
      400: problemResponse('It does not fit; `parameter` is the field, in a list a JSON pointer.'),
      401: problemResponse('The token is missing, or another one.', { 'www-authenticate': 'The scheme, `Bearer`, and what is wrong.' }),
      403: problemResponse('Writing is off.'),
      409: problemResponse('A row of the same time and identity says something else, or the key was used for another request.'),
      413: problemResponse('The body is too large.'),
      415: problemResponse('The body is no `application/json`, or is compressed.', {
        accept: 'What the body may be.',
        'accept-encoding': 'How it may be encoded.',
      }),
      503: problemResponse(
        'The source failed. Unless `detail` says that nothing was added, that is not known; with the same `created_at` or `Idempotency-Key` it may be sent again.',
      ),
      504: problemResponse(
        'The source was too slow, and whether it added anything is not known; with the same `created_at` or `Idempotency-Key` it may be sent again.',
      ),
    },
  };
}

function examples(path: RoutePath): { description: string } {
  const lines = examplesOf(path).map((example) => `- ${example.title}: \`${hrefOf(example)}\``);
  return { description: lines.join('\n') };
}

function parameters(schema: z.ZodType, types: readonly DataType[]): object[] {
  const { properties = {} } = jsonSchema(schema) as { properties?: Record<string, Record<string, unknown>> };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: name === 'type',
    description,
    schema: name === 'type' ? { ...schema, enum: types } : schema,
    ...(SAMPLE_VALUES[name] !== undefined && { example: SAMPLE_VALUES[name] }),
  }));
}

function json(operationId: string, schema: SchemaName, problems: object = {}): object {
  return { operationId, responses: { 200: { description: 'OK', content: content(schema) }, ...problems } };
}

function content(schema: SchemaName): object {
  return { 'application/json': { schema: ref(schema) } };
}

function page(operationId: string): object {
  return { operationId, responses: { 200: { description: 'A page.', content: { 'text/html': {} } } } };
}

function problemResponse(description: string, sent?: Headers): object {
  return {
    description,
    ...(sent && { headers: headers(sent) }),
    content: { 'application/problem+json': { schema: ref('problemAnswer') } },
  };
}

/** By name, each with its description; a text, and not always sent. */
function headers(described: Headers): object {
  return Object.fromEntries(Object.entries(described).map(([name, description]) => [name, { description, schema: { type: 'string' } }]));
}
