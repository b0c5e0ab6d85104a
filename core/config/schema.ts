import { type Definition, type Json, type JsonObject, z } from '../contract/index.ts';
import { aboutOptions } from './about.ts';
import { agentOptions } from './agent.ts';

/** What any scalar may also be: text with a variable in it. */
const VARIABLE: JsonObject = { type: 'string', pattern: '\\$\\{' };
const NAMES: JsonObject = { pattern: '^[a-z][a-z0-9_-]{0,62}$' };
const ANNOTATIONS = ['description', 'default', 'title', 'examples', 'deprecated'];
const ENABLED: JsonObject = {
  description: 'false switches this instance off; nothing else of it is looked at then.',
  default: true,
  anyOf: [{ type: 'boolean' }, { enum: ['true', 'false', 'yes', 'no', 'on', 'off', '', 0, 1] }, VARIABLE],
};
const FROM: JsonObject = {
  description: 'The sources to read. Default: all.',
  anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' }, minItems: 1 }],
};

/** The JSON Schema (draft 7, which editors know) of a configuration that uses these plugins; other plugins may hold anything. */
export function configSchema(definitions: readonly Definition[]): JsonObject {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Configuration of Cauce',
    type: 'object',
    additionalProperties: false,
    properties: {
      agent: orNothing(fromZod(agentOptions)),
      sources: section('source', 'Where data comes from, by a name of your choosing.', definitions),
      sinks: section('sink', 'Where data goes, by a name of your choosing.', definitions),
    },
  };
}

function section(kind: Definition['kind'], description: string, definitions: readonly Definition[]): JsonObject {
  const plugins = definitions.filter((definition) => definition.kind === kind);
  const own: JsonObject = { enabled: ENABLED, ...(kind === 'sink' ? { from: FROM } : (fromZod(aboutOptions)['properties'] as JsonObject)) };
  const use: JsonObject = {
    description: `The plugin: ${plugins.map(({ name, summary }) => `${name} (${summary})`).join('; ')}; or ./path or a package of a third party.`,
    anyOf: [{ enum: plugins.map(({ name }) => name) }, { type: 'string' }],
  };
  return orNothing({
    description,
    type: 'object',
    propertyNames: NAMES,
    additionalProperties: {
      type: 'object',
      properties: { use, ...own },
      if: { properties: { enabled: { const: false } }, required: ['enabled'] },
      // biome-ignore lint/suspicious/noThenProperty: `then` is the keyword of JSON Schema.
      then: {},
      else: { required: ['use'], allOf: plugins.map((plugin) => optionsOf(plugin, own)) },
    },
  });
}

function optionsOf({ name, summary, options }: Definition, own: JsonObject): JsonObject {
  const schema = fromZod(options);
  return {
    if: { properties: { use: { const: name } }, required: ['use'] },
    // biome-ignore lint/suspicious/noThenProperty: `then` is the keyword of JSON Schema.
    then: { ...schema, description: summary, properties: { use: { const: name }, ...own, ...(schema['properties'] as JsonObject) } },
  };
}

/** A section that is named but empty counts as left out. */
function orNothing(schema: JsonObject): JsonObject {
  return { ...schema, type: ['object', 'null'] };
}

function fromZod(schema: z.ZodType): JsonObject {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-7',
    unrepresentable: 'any',
  }) as unknown as JsonObject;
  return lenient(rest) as JsonObject;
}

/** Lets every scalar be a variable. A variable may fit several branches, so `oneOf` becomes `anyOf`. */
function lenient(schema: Json): Json {
  if (!isObject(schema)) return schema;
  const entries = Object.entries(schema).map(([key, value]): [string, Json] => {
    if (key === 'oneOf' || key === 'anyOf') return ['anyOf', (value as Json[]).map(lenient)];
    if (key === 'allOf' || key === 'prefixItems') return [key, (value as Json[]).map(lenient)];
    if (key === 'items') return [key, Array.isArray(value) ? value.map(lenient) : lenient(value)];
    if (key === 'additionalProperties') return [key, lenient(value)];
    if ((key === 'properties' || key === 'definitions') && isObject(value)) {
      return [key, Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, lenient(inner)]))];
    }
    return [key, value];
  });
  const result = Object.fromEntries(entries);
  return isRestrictedScalar(schema) ? orVariable(result) : result;
}

function orVariable(schema: JsonObject): JsonObject {
  const outside = Object.entries(schema).filter(([key]) => ANNOTATIONS.includes(key));
  const inside = Object.entries(schema).filter(([key]) => !ANNOTATIONS.includes(key));
  return { ...Object.fromEntries(outside), anyOf: [Object.fromEntries(inside), VARIABLE] };
}

function isRestrictedScalar(schema: JsonObject): boolean {
  const { type } = schema;
  if ('const' in schema || 'enum' in schema) return true;
  if (type === 'string') return ['pattern', 'format', 'minLength', 'maxLength', 'allOf'].some((key) => key in schema);
  return type === 'number' || type === 'integer' || type === 'boolean' || type === 'null';
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
