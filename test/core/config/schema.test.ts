import fastify from 'fastify';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { configSchema } from '../../../core/config/schema.ts';
import { defineSink, defineSource, duration, strings, z } from '../../../core/contract/index.ts';

const source = defineSource({
  name: 'files',
  summary: 'Lines of files',
  apiVersion: 1,
  options: z.strictObject({
    paths: strings().describe('Which files.'),
    every: duration('60s'),
    count: z.int().min(1).default(3).describe('How many.'),
    loud: z.boolean().optional(),
    mode: z.enum(['fast', 'safe']).default('safe'),
    auth: z
      .discriminatedUnion('kind', [z.strictObject({ kind: z.literal('none') }), z.strictObject({ kind: z.literal('user'), id: z.int() })])
      .optional(),
  }),
  create: () => ({ type: 'logs' }),
});
const sink = defineSink({ name: 'out', summary: 'A sink', apiVersion: 1, options: z.strictObject({ port: z.int() }), create: () => ({}) });

/** Asks a validator that editors use as well. */
async function validator() {
  const app = fastify({ ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: true } } });
  app.post('/', { schema: { body: configSchema([source, sink]) } }, async () => 'ok');
  return async (yaml: string) => {
    const { statusCode, body } = await app.inject({ method: 'POST', url: '/', payload: parse(yaml) as object });
    return statusCode === 200 ? 'ok' : body;
  };
}

it('describes every option, with its default', () => {
  const text = JSON.stringify(configSchema([source, sink]));
  for (const part of ['"Which files."', '"How many."', '"default":3', '"default":"60s"', '"Lines of files"', 'draft-07'])
    expect(text).toContain(part);
});

it.each([
  'sources: { a: { use: files, paths: x } }',
  'agent: { state: "${STATE}", log: { level: "${LEVEL:-info}" }, query: { deadline: "${D}" } }',
  'sources: { a: { use: files, paths: ["${P}"], count: "${N}", loud: "${L:-true}", mode: "${M}", every: "${E}" } }',
  'sources: { a: { use: files, paths: x, auth: { kind: user, id: "${ID}" } }, b: { use: files, paths: x, auth: { kind: "${K}" } } }',
  'sources: { a: { use: ./a/path, whatever: 1 } }',
  'sources: { a: { use: files, enabled: false, pahts: 1 } }',
  'sources: { a: { use: files, enabled: "${CASSANDRA_ENABLED:-false}", paths: x } }',
  'sources: { a: { use: files, paths: x } }\nsinks: { o: { use: out, port: 1, from: [a] }, p: { use: out, port: 1, from: a } }',
  'agent:\nsources:\nsinks:\n',
])('accepts %s', async (yaml) => {
  expect(await (await validator())(yaml)).toBe('ok');
});

it.each([
  'soruces: {}',
  'sources: { a: { paths: x } }',
  'sources: { A: { use: files, paths: x } }',
  'sources: { a: { use: files } }',
  'sources: { a: { use: files, pahts: x } }',
  'sources: { a: { use: files, paths: x, count: many } }',
  'sources: { a: { use: files, paths: x, count: 0 } }',
  'sources: { a: { use: files, paths: x, every: 5 } }',
  'sources: { a: { use: files, paths: x, mode: fst } }',
  'sources: { a: { use: files, paths: x, from: [b] } }',
  'sinks: { o: { use: out, port: 1, from: [] } }',
  'agent: { log: { level: loud } }',
])('refuses %s', async (yaml) => {
  expect(await (await validator())(yaml)).not.toBe('ok');
});
