import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatIssues } from '../../../core/config/load.ts';
import { configSchema } from '../../../core/config/schema.ts';
import type { ConfigError } from '../../../core/contract/index.ts';
import { readConfiguration } from '../../../core/host/configuration.ts';
import { builtIns } from '../../../core/host/registry.ts';

// A folder without one is what several plugins share.
const plugins = (await readdir('plugins')).filter((name) => existsSync(`plugins/${name}/index.ts`)).sort();
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

  it.each([
    {},
    { MYSQL_DB: 'iact' },
    { CASSANDRA_ENABLED: 'true', CASSANDRA_HOSTS: '10.0.0.1,10.0.0.2' },
    { CAUCE_TOKEN: 'a-token-of-sixteen' },
    { MYSQL_DB: 'iact', CAUCE_TOKEN: '' },
    { MYSQL_DB: 'iact', CAUCE_TOKEN: 'a-token-of-sixteen' },
  ])('config/production.yaml is valid with %j', async (env) => {
    const { instances } = await readConfiguration('config/production.yaml', env);
    expect(instances.some(({ name }) => name === 'dora')).toBe('MYSQL_DB' in env);
  });

  it.each([
    ['sources: { a: { use: mysql-metrics, url: "mysql//root:S3CR/ETPW@h/d" } }', 'sources.a.url'],
    ['sources: { a: { use: mysql-metrics, password: 77777777, database: d } }', 'sources.a.password'],
    ['sinks: { a: { use: http-query-api, write_token: "S3CR ETPW of mine" } }', 'sinks.a.write_token'],
  ])('a secret that was written into the file is in no message: %s', async (text, path) => {
    const file = join(await mkdtemp(join(tmpdir(), 'cauce-secret-')), 'cauce.yaml');
    await writeFile(file, text);
    const error = await readConfiguration(file, {}).catch((thrown: unknown) => thrown);
    const told = formatIssues(error as ConfigError);
    expect(told).toContain(path);
    expect(told).not.toMatch(/S3CR|7777/);
  });

  it.each(plugins)('the README of %s names every option', async (name) => {
    const readme = await readFile(join('plugins', name, 'README.md'), 'utf8');
    const definition = (await builtIns()).find((one) => one.name === name);
    for (const option of Object.keys(definition?.options.shape ?? {})) expect(readme, `README of ${name}`).toContain(`\`${option}\``);
  });
});
