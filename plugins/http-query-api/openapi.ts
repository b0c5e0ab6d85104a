import { type DataType, queryParameters, z } from '../../core/contract/index.ts';
import { EXAMPLES, hrefOf, SAMPLE_VALUES } from './examples.ts';
import { ROUTES } from './routes.ts';
import { healthAnswer, healthyAnswer, problemAnswer, readyAnswer, rowsAnswer, sourcesAnswer, summaryRecord } from './schemas.ts';

type Path = (typeof ROUTES)[number]['path'];
type JsonSchema = Record<string, unknown>;

const SCHEMAS = { rowsAnswer, healthAnswer, summaryRecord, sourcesAnswer, readyAnswer, healthyAnswer, problemAnswer };

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
    paths: Object.fromEntries(ROUTES.map(({ path, summary }) => [path, { get: { summary, ...operations(types)[path] } }])),
    components: {
      schemas: Object.fromEntries(Object.entries(SCHEMAS).map(([name, schema]) => [name, jsonSchema(schema)])),
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
      parameters: parameters(types),
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
    '/api/data/sources': json('sources', 'sourcesAnswer'),
    '/openapi.json': { operationId: 'openapi', responses: { 200: { description: 'This document.', content: { 'application/json': {} } } } },
    '/-/healthy': json('healthy', 'healthyAnswer'),
    '/-/ready': json('ready', 'readyAnswer'),
    '/metrics': { operationId: 'metrics', responses: { 200: { description: 'Metrics.', content: { 'text/plain': {} } } } },
  };
}

function parameters(types: readonly DataType[]): object[] {
  const { properties = {} } = jsonSchema(queryParameters) as { properties?: Record<string, JsonSchema> };
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
