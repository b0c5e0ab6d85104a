import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPlugin } from '../../../core/host/registry.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cauce-registry-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function module(name: string, text: string): Promise<string> {
  await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(folder, name, 'index.ts'), text);
  return `./${name}`;
}

const definition = (more: string) =>
  `import { defineSource, z } from 'cauce/plugin'; export default { ...defineSource({ name: 'x', summary: 'x', apiVersion: 1, options: z.strictObject({}), create: () => ({ type: 'logs' }) }), ${more} };`;

describe('plugins of third parties', () => {
  it('loads a TypeScript package by its path', async () => {
    const loaded = await loadPlugin('./examples/third-party-source', 'source', resolve('.'));
    expect(loaded).toMatchObject({ kind: 'source', name: 'load-average' });
    expect(loaded.options.safeParse({ every: '1s' }).success).toBe(true);
  });

  it('loads an installed package by its name', async () => {
    const root = join(folder, 'node_modules', 'cauce-source-x');
    await mkdir(root, { recursive: true });
    await writeFile(
      join(root, 'package.json'),
      JSON.stringify({ name: 'cauce-source-x', version: '1.0.0', type: 'module', exports: './main.js' }),
    );
    await writeFile(join(root, 'main.js'), definition(''));
    expect(await loadPlugin('cauce-source-x', 'source', folder)).toMatchObject({ name: 'x' });
  });

  it.each([
    ['a wrong version', 'apiVersion: 9', /made for version 9 .* speaks 1; update the plugin or the agent/],
    ['no create', 'create: 1', /needs `create`/],
    ['lax options', 'options: z.object({})', /must be a z.strictObject/],
    ['no kind', 'kind: "other"', /the result of defineSource\(\) or defineSink\(\)/],
  ])('refuses %s, and says what to do', async (name, more, message) => {
    const path = await module(name.replaceAll(' ', '-'), definition(more));
    await expect(loadPlugin(path, 'source', folder)).rejects.toThrow(message);
  });

  it('says what is wrong with a module that does not load', async () => {
    const path = await module('broken', 'throw new Error("boom at load");');
    await expect(loadPlugin(path, 'source', folder)).rejects.toThrow(/could not be loaded; mend the module \(.*boom at load/);
    await expect(loadPlugin('./nowhere', 'source', folder)).rejects.toThrow(/there is no plugin at .*nowhere; check the path/);
    await expect(loadPlugin('not-installed-at-all', 'source', folder)).rejects.toThrow(/npm install not-installed-at-all/);
    await expect(loadPlugin('json-lgs', 'source', folder)).rejects.toThrow(/did you mean json-logs\?/);
  });
});
