import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configSchema } from '../../../core/config/schema.ts';
import { readConfiguration } from '../../../core/host/configuration.ts';
import { builtIns } from '../../../core/host/registry.ts';

const plugins = (await readdir('plugins')).sort();
const environment = { CAUCE_LOGS: '/var/log/app.json.log' };

describe('what is shipped', () => {
  it('has the JSON Schema of its options; `npm run schema` writes it anew', async () => {
    const written = JSON.parse(await readFile('config/cauce.schema.json', 'utf8'));
    expect(written).toEqual(JSON.parse(JSON.stringify(configSchema(await builtIns()))));
  });

  it.each(['config/cauce.yaml', 'config/production.yaml', ...plugins.map((name) => join('plugins', name, 'example.yaml'))])(
    '%s is valid',
    async (file) => {
      const { instances } = await readConfiguration(file, environment);
      expect(instances.filter(({ kind }) => kind === 'source').length).toBeGreaterThan(0);
      expect(instances.filter(({ kind }) => kind === 'sink').length).toBeGreaterThan(0);
    },
  );

  it.each(plugins)('the README of %s names every option', async (name) => {
    const readme = await readFile(join('plugins', name, 'README.md'), 'utf8');
    const definition = (await builtIns()).find((one) => one.name === name);
    for (const option of Object.keys(definition?.options.shape ?? {})) expect(readme, `README of ${name}`).toContain(`\`${option}\``);
  });
});
