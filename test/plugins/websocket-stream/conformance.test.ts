import { readFile } from 'node:fs/promises';
import { describe, expect, it, test } from 'vitest';
import { parse } from 'yaml';
import { sinkConformance } from '../../../core/conformance/index.ts';
import definition from '../../../plugins/websocket-stream/index.ts';

sinkConformance(
  { describe, it },
  {
    definition,
    async setup() {
      return { options: {}, async cleanup() {} };
    },
  },
);

test('the example shows every option at its default, and the README names each', async () => {
  const folder = new URL('../../../plugins/websocket-stream/', import.meta.url);
  const example = parse(await readFile(new URL('example.yaml', folder), 'utf8'));
  const { use, ...given } = Object.values(example.sinks)[0] as Record<string, unknown>;
  expect(use).toBe(definition.name);
  expect(Object.keys(given)).toEqual(Object.keys(definition.options.shape));
  expect(definition.options.parse(given)).toEqual(definition.options.parse({}));
  const readme = await readFile(new URL('README.md', folder), 'utf8');
  for (const option of Object.keys(given)) expect(readme).toMatch(new RegExp(`^\\| \`${option}\` +\\|`, 'm'));
});
