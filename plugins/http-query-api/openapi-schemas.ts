import { z } from '../../core/contract/index.ts';
import { catalogAnswer } from './catalog-schema.ts';
import { doraAnswer } from './dora-schema.ts';
import { recordAnswer, recordBody } from './record-schema.ts';
import { retentionAnswer } from './retention-schema.ts';
import { healthAnswer, healthyAnswer, problemAnswer, readyAnswer, rowsAnswer, sourcesAnswer, summaryRecord } from './schemas.ts';
import { statsAnswer } from './stats-schema.ts';

/** The schemas that the OpenAPI document names. */
export const SCHEMAS = {
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

export type SchemaName = keyof typeof SCHEMAS;
type JsonSchema = Record<string, unknown>;

export function jsonSchema(schema: z.ZodType): JsonSchema {
  const { $schema, ...rest } = z.toJSONSchema(schema) as JsonSchema;
  return rest;
}

export function ref(name: SchemaName): object {
  return { $ref: `#/components/schemas/${name}` };
}
