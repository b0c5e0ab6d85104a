import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import plugin from '../../../plugins/json-logs/index.ts';
import { isRotated, splitPatterns, stemOf } from '../../../plugins/json-logs/patterns.ts';

const folder = path.resolve('plugins/json-logs');

describe('options', () => {
  it('of the example are valid', async () => {
    const { sources } = parse(await readFile(path.join(folder, 'example.yaml'), 'utf8'));
    const { use, ...rest } = sources.app;
    expect(use).toBe(plugin.name);
    expect(plugin.options.parse(rest)).toMatchObject({ poll: 1000, max_line: 16 * 2 ** 20 });
  });

  it('are all in the README', async () => {
    const readme = await readFile(path.join(folder, 'README.md'), 'utf8');
    for (const name of Object.keys(plugin.options.shape)) expect(readme).toContain(`| \`${name}\` `);
  });

  it('keep files for an hour at least', () => {
    const parse = (age: string) => plugin.options.safeParse({ paths: '/a', keep: { age } });
    expect(parse('59m').error?.issues).toMatchObject([{ path: ['keep', 'age'], message: expect.stringMatching(/^expected at least 1h/) }]);
    expect(parse('1h').success).toBe(true);
  });

  it('split paths at commas outside of braces', () => {
    expect(splitPatterns(['/a/{x,y}.log, /b', '/b', ''])).toEqual(['/a/{x,y}.log', '/b']);
  });
});

describe('names of rotated files', () => {
  it.each([
    ['app.json.log', 'app.json.log', false],
    ['app.json.log.1', 'app.json.log', true],
    ['app.json.log.12.gz', 'app.json.log', true],
    ['app.json.log.gz', 'app.json.log', true],
    ['app.json.log-20251107', 'app.json.log', true],
    ['app.json.log-20251107-1762480800.gz', 'app.json.log', true],
    ['app.json.log.2025-11-07_02', 'app.json.log', true],
    ['app-2.log', 'app-2.log', false],
    ['app.log.bak', 'app.log.bak', false],
  ])('%s belongs to %s', (name, stem, rotated) => {
    expect([stemOf(`/var/${name}`), isRotated(`/var/${name}`)]).toEqual([stem, rotated]);
  });
});
