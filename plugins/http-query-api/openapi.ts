import type { DataType } from '../../core/contract/index.ts';
import { jsonSchema, SCHEMAS } from './openapi-schemas.ts';
import { operations } from './operations.ts';
import { ROUTES } from './routes.ts';

/** The OpenAPI 3.1 document; parameters and answers come from the schemas that the code itself uses. */
export function openApi(types: readonly DataType[]) {
  const all = operations(types);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Cauce query API',
      version: '1',
      description:
        'Logs, metrics and health of every configured source through one query. The same selection streams live from `/api/data/stream`.',
    },
    paths: Object.fromEntries(
      ROUTES.map(({ path, summary, ...rest }) => [path, { ['methods' in rest ? 'post' : 'get']: { summary, ...all[path] } }]),
    ),
    components: {
      schemas: Object.fromEntries(Object.entries(SCHEMAS).map(([name, schema]) => [name, jsonSchema(schema)])),
      securitySchemes: { writeToken: { type: 'http', scheme: 'bearer', description: 'The `write_token` of the API.' } },
    },
  };
}
