import { type DataType, queryParameters, z } from '../../core/contract/index.ts';
import { catalogAnswer } from './catalog-schema.ts';
import { doraAnswer, doraParameters } from './dora-schema.ts';
import { EXAMPLES, hrefOf, SAMPLE_VALUES } from './examples.ts';
import { recordAnswer, recordBody, recordParameters } from './record-schema.ts';
import { retentionAnswer } from './retention-schema.ts';
import { ROUTES } from './routes.ts';
import { healthAnswer, healthyAnswer, problemAnswer, readyAnswer, rowsAnswer, sourcesAnswer, summaryRecord } from './schemas.ts';
import { statsAnswer, statsParameters } from './stats-schema.ts';

type Path = (typeof ROUTES)[number]['path'];
type JsonSchema = Record<string, unknown>;

const SCHEMAS = {
  statsAnswer,
  doraAnswer,
  catalogAnswer,
  retentionAnswer,
  rowsAnswer,
  healthAnswer,
  summaryRecord,
  sourcesAnswer,
  readyAnswer,
  healthyAnswer,
  recordBody,
  recordAnswer,
  problemAnswer,
};

/** The OpenAPI 3.1 document; parameters and answers come from the schemas that the code itself uses. */
export function openApi(types: readonly DataType[]) {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Cauce query API',
      version: '1',
      description:
        'Logs, metrics and health of every configured source through one query. The same selection streams live from `/api/data/stream`.',
    },
    paths: Object.fromEntries(
      ROUTES.map(({ path, summary, ...rest }) => [path, { ['methods' in rest ? 'post' : 'get']: { summary, ...operations(types)[path] } }]),
    ),
    components: {
      schemas: Object.fromEntries(Object.entries(SCHEMAS).map(([name, schema]) => [name, jsonSchema(schema)])),
      securitySchemes: { writeToken: { type: 'http', scheme: 'bearer', description: 'The `write_token` of the API.' } },
    },
  };
}

function operations(types: readonly DataType[]): Record<Path, object> {
  return {
    '/': page('landing'),
    '/docs': page('docs'),
    '/api/data/query': {
      operationId: 'query',
      description: EXAMPLES.map((example) => `- ${example.title}: \`${hrefOf(example)}\``).join('\n'),
      parameters: parameters(queryParameters, types),
      responses: {
        200: {
          description: 'The rows; with `type=health` and without `history`, the present health.',
          content: {
            'application/json': { schema: { oneOf: [ref('rowsAnswer'), ref('healthAnswer')] } },
            'application/x-ndjson': { schema: { type: 'string', description: 'A row a line; the last line is a `summaryRecord`.' } },
            'text/csv': { schema: { type: 'string', description: 'The summary stands in the header `cauce-summary`.' } },
          },
        },
        400: problemResponse('A parameter is wrong; `parameter` names it.'),
        503: problemResponse('No source could answer; each is named.'),
        504: problemResponse('Every source was too slow.'),
      },
    },
    '/api/data/stats': { ...json('stats', 'statsAnswer'), parameters: parameters(statsParameters, types) },
    '/api/data/dora': { ...json('dora', 'doraAnswer'), parameters: parameters(doraParameters, types) },
    '/api/data/catalog': json('catalog', 'catalogAnswer'),
    '/api/data/retention': json('retention', 'retentionAnswer'),
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
  const header = { type: 'string', maxLength: 255 };
  return {
    operationId: 'record',
    security: [{ writeToken: [] }],
    parameters: [
      ...parameters(recordParameters, types),
      {
        name: 'Idempotency-Key',
        in: 'header',
        required: false,
        description: 'Makes a repeated request of 24 hours add nothing.',
        schema: header,
      },
    ],
    requestBody: {
      required: true,
      description: 'At most 1 MiB. All rows are added, or none.',
      content: { 'application/json': { schema: { oneOf: [one, { type: 'array', minItems: 1, maxItems: 1000, items: one }] } } },
    },
    responses: {
      201: { description: 'Added, or there already.', content: { 'application/json': { schema: ref('recordAnswer') } } },
      400: problemResponse('It does not fit; `parameter` is the field, in a list a JSON pointer.'),
      401: problemResponse('The token is missing, or another one.'),
      403: problemResponse('Writing is off.'),
      409: problemResponse('A row of the same time and identity says something else, or the key was used for another request.'),
      413: problemResponse('The body is too large.'),
      415: problemResponse('The body is no `application/json`.'),
      503: problemResponse('The source failed; the same may be sent again.'),
      504: problemResponse('The source was too slow; the same may be sent again.'),
    },
  };
}

function parameters(schema: z.ZodType, types: readonly DataType[]): object[] {
  const { properties = {} } = jsonSchema(schema) as { properties?: Record<string, JsonSchema> };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: name === 'type',
    description,
    schema: name === 'type' ? { ...schema, enum: types } : schema,
    ...(SAMPLE_VALUES[name] !== undefined && { example: SAMPLE_VALUES[name] }),
  }));
}

function jsonSchema(schema: z.ZodType): JsonSchema {
  const { $schema, ...rest } = z.toJSONSchema(schema) as JsonSchema;
  return rest;
}

function ref(name: keyof typeof SCHEMAS): object {
  return { $ref: `#/components/schemas/${name}` };
}

function json(operationId: string, schema: keyof typeof SCHEMAS): object {
  return { operationId, responses: { 200: { description: 'OK', content: { 'application/json': { schema: ref(schema) } } } } };
}

function page(operationId: string): object {
  return { operationId, responses: { 200: { description: 'A page.', content: { 'text/html': {} } } } };
}

function problemResponse(description: string): object {
  return { description, content: { 'application/problem+json': { schema: ref('problemAnswer') } } };
}
