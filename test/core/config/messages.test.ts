import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatIssues, loadSettings } from '../../../core/config/load.ts';
import { ConfigError, defineSource, duration, listenAddress, strings, z } from '../../../core/contract/index.ts';

const table = defineSource({
  name: 'table',
  summary: 'Everything that an option can be',
  apiVersion: 1,
  options: z.strictObject({
    url: z.string(),
    port: z.int().min(1).max(65_535).optional(),
    columns: strings().optional(),
    timeout: z.union([z.number(), z.literal('none')]).optional(),
    auth: z
      .discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('password'), user: z.string() }),
        z.strictObject({ kind: z.literal('file'), path: z.string() }),
      ])
      .optional(),
    retries: z.array(z.strictObject({ after: duration(), loud: z.boolean().optional() })).optional(),
    labels: z.record(z.string(), z.string()).optional(),
    listen: listenAddress('127.0.0.1:1').optional(),
    odd: z
      .string()
      .superRefine((value, context) => context.addIssue({ code: 'custom', message: `the value ${value} is odd` }))
      .optional(),
    broken: z
      .string()
      .transform((value) => {
        throw new Error(`no luck with ${value}`);
      })
      .optional(),
  }),
  create: () => ({ type: 'metrics' }),
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cauce-messages-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function read(text: string, env: NodeJS.ProcessEnv = {}) {
  const file = join(folder, 'cauce.yaml');
  await writeFile(file, text);
  return loadSettings(file, {
    env,
    known: ['table'],
    async load(use) {
      if (use === 'table') return table;
      throw new Error(`the plugin ${use} is not installed; npm install ${use}`);
    },
  });
}

/** What is told, without the file's folder. */
async function told(text: string, env: NodeJS.ProcessEnv = {}): Promise<string[]> {
  const error = await read(text, env).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConfigError);
  return formatIssues(error as ConfigError)
    .replaceAll(`${folder}/`, '')
    .split('\n');
}

/** What is told about the options of one source; the first of them stands on line 4. */
const about = (options: string, env: NodeJS.ProcessEnv = {}) => told(`sources:\n  a:\n    use: table\n${options}`, env);

describe('what is told about an option', () => {
  it.each<[string, string, string]>([
    ['a missing key, at its parent', '    port: 1\n', 'cauce.yaml:2:3  sources.a.url: is missing; expected text'],
    ['a wrong type', '    url: 5\n', 'cauce.yaml:4:10  sources.a.url: expected text, got a number'],
    [
      'a number out of range',
      '    url: x\n    port: 70000\n',
      'cauce.yaml:5:11  sources.a.port: expected a number of at most 65535, got 70000',
    ],
    ['no value at all', '    url:\n', 'cauce.yaml:4:9  sources.a.url: expected text, got nothing'],
    ['a union of kinds', '    url: x\n    columns: 5\n', 'cauce.yaml:5:14  sources.a.columns: expected text or a list, got 5'],
    ['the branch that fits', '    url: x\n    columns: [a, 5]\n', 'cauce.yaml:5:18  sources.a.columns[1]: expected text, got 5'],
    ['a union with a word', '    url: x\n    timeout: non\n', 'cauce.yaml:5:14  sources.a.timeout: expected a number or none, got "non"'],
    [
      'a choice by word',
      '    url: x\n    auth: { kind: pass }\n',
      'cauce.yaml:5:19  sources.a.auth.kind: expected one of password, file, got "pass"',
    ],
    [
      'a key inside a choice',
      '    url: x\n    auth: { kind: file, paht: y }\n',
      'cauce.yaml:5:25  sources.a.auth.paht: unknown key; did you mean path?',
    ],
    [
      'a duration inside a list',
      '    url: x\n    retries:\n      - after: 5\n',
      'cauce.yaml:6:16  sources.a.retries[0].after: expected a duration with a unit, such as 500ms, 60s, 15m, 2h or 90d, got 5',
    ],
    ['a key of the core', '    url: x\n    enabeld: false\n', 'cauce.yaml:5:5  sources.a.enabeld: unknown key; did you mean enabled?'],
    [
      'a key that is no text',
      '    url: x\n    labels: { 200: ok }\n',
      'cauce.yaml:5:15  sources.a.labels: a key must be text, not 200; put it in quotes',
    ],
    ['a key twice', '    url: x\n    url: y\n', 'cauce.yaml:5:5  the key url is here a second time; keep one of them'],
    ['a key called __proto__', '    url: x\n    __proto__: { port: 1 }\n', 'cauce.yaml:5:5  sources.a.__proto__: unknown key'],
    ['a variable in braces', '    url: x\n    auth: {kind: ${A}}\n', 'cauce.yaml:5:19  inside { } a variable needs quotes; write "${…}"'],
    ['an alias without an anchor', '    url: *nope\n', 'cauce.yaml:4:10  sources.a.url: there is no anchor &nope before this alias'],
    ['an alias in its own anchor', '    url: &u [*u]\n', 'cauce.yaml:4:14  sources.a.url[0]: the alias refers to what it stands in'],
    ['a tag', '    url: !secret x\n', 'cauce.yaml:4:10  Unresolved tag: !secret'],
    [
      'a reserved key',
      '    url: x\n    isolate: true\n',
      'cauce.yaml:5:5  sources.a.isolate: is reserved and does nothing yet; leave it out',
    ],
    ['from on a source', '    url: x\n    from: [b]\n', 'cauce.yaml:5:5  sources.a.from: belongs to a sink, which reads sources'],
  ])('%s', async (_what, options, expected) => {
    const lines = await about(options);
    expect(lines).toHaveLength(1);
    expect(lines[0]?.startsWith(expected), `${lines[0]}\n${expected}`).toBe(true);
  });

  it('follows an alias to what it stands for', async () => {
    const { instances } = await read('sources:\n  a: { use: table, url: &u "mysql://${H}" }\n  b: { use: table, url: *u }\n', {
      H: 'host',
    });
    expect(instances.map(({ options }) => options['url'])).toEqual(['mysql://host', 'mysql://host']);
  });

  it('tells of a misspelled use where it stands', async () => {
    expect(await told('sources:\n  a:\n    ues: table\n')).toEqual(['cauce.yaml:3:5  sources.a.ues: unknown key; did you mean use?']);
    expect(await told('sources:\n  a:\n    use: tabel\n')).toEqual([
      'cauce.yaml:3:10  sources.a.use: the plugin tabel is not installed; npm install tabel; did you mean table?',
    ]);
  });

  it('names the sources that there are, when a sink reads another', async () => {
    const lines = await told(
      'sources: { logs: { use: table, url: x }, off: { use: table, enabled: false } }\nsinks:\n  out: { use: x, from: [lgos, off, 5] }\n',
    );
    expect(lines.slice(0, 4)).toEqual([
      'cauce.yaml:3:15  sinks.out.use: the plugin x is not installed; npm install x',
      'cauce.yaml:3:25  sinks.out.from[0]: there is no source lgos; did you mean logs?',
      'cauce.yaml:3:31  sinks.out.from[1]: the source off is disabled; enable it, or take it out of this list',
      'cauce.yaml:3:36  sinks.out.from[2]: expected the name of a source, got 5',
    ]);
  });
});

describe('a value from the environment', () => {
  const secret = 'p4ss"word';

  it('is never shown, also by a message that its plugin wrote', async () => {
    const lines = await about(
      '    url: ["${S}"]\n    port: "${S}"\n    odd: "x-${S}"\n    timeout: "${S}"\n    listen: ${S}\n    auth: { kind: "${S}" }\n',
      { S: secret },
    );
    expect(lines.join('\n')).not.toMatch(/p4ss/);
    expect(lines).toContain('cauce.yaml:6:10  sources.a.odd: the value x-${S} is odd');
    expect(lines).toContain('cauce.yaml:5:11  sources.a.port: expected a number, got ${S}');
    const broken = await about('    url: x\n    broken: "${S}"\n', { S: secret });
    expect(broken).toEqual(['cauce.yaml:2:3  sources.a: its schema cannot check it: no luck with ${S}']);
  });

  it('is not shown by a plugin that is not found', async () => {
    expect(await told('sources:\n  a:\n    use: ${S}\n', { S: secret })).toEqual([
      'cauce.yaml:3:10  sources.a.use: the plugin ${S} is not installed; npm install ${S}',
    ]);
  });

  it('leaves alone what only looks like it', async () => {
    expect((await about('    url: x\n    retries: [{ after: "${N}" }]\n', { N: '60' }))[0]).toContain('such as 500ms, 60s, 15m');
  });

  it('is not looked for in what every object has', async () => {
    expect((await about('    url: ${constructor}\n'))[0]).toContain('the variable constructor is not set');
  });

  it('is said to be missing once, and nothing that follows from it', async () => {
    expect(await about('    url: x\n    port: "${P}"\n    auth: { kind: "${K}" }\n    prot: 1\n')).toEqual([
      'cauce.yaml:5:11  sources.a.port: the variable P is not set; set it, or give it a default: ${P:-…}',
      'cauce.yaml:6:19  sources.a.auth.kind: the variable K is not set; set it, or give it a default: ${K:-…}',
      'cauce.yaml:7:5  sources.a.prot: unknown key; did you mean port?',
    ]);
  });

  it('becomes what a list of kinds wants', async () => {
    const text = '    url: "${N}"\n    timeout: "${N}"\n    retries: [{ after: 1s, loud: "${B}" }]\n    columns: "${N}"\n';
    const { instances } = await read(`sources:\n  a:\n    use: table\n${text}`, { N: '12', B: 'false' });
    expect(instances[0]?.options).toEqual({ url: '12', timeout: 12, retries: [{ after: '1s', loud: false }], columns: '12' });
  });

  it('that is empty leaves a name out of what a sink reads', async () => {
    const text = 'sources: { logs: { use: table, url: x } }\nsinks: { out: { use: table, url: x, from: [logs, "${MORE:+more}"] } }\n';
    const from = async (env: NodeJS.ProcessEnv) => (await read(text, env)).instances.find(({ name }) => name === 'out')?.from;
    expect(await from({})).toEqual(['logs']);
    await expect(from({ MORE: '1' })).rejects.toThrow(/there is no source \$\{MORE:\+more\}/);
  });
});

describe('a file', () => {
  const load = (file: string) => loadSettings(file, { env: {}, known: [], load: () => Promise.reject(new Error('no')) });

  it('that is not there, or a folder, or no text, is named', async () => {
    await expect(load(join(folder, 'none.yaml'))).rejects.toThrow(/none\.yaml.*there is no such file.*--config/);
    await expect(load(folder)).rejects.toThrow(/it is a folder/);
    await writeFile(join(folder, 'latin.yaml'), Buffer.from([0x61, 0x3a, 0xe9]));
    await expect(load(join(folder, 'latin.yaml'))).rejects.toThrow(/not UTF-8/);
  });

  it('nested too deep is refused at one place', async () => {
    const lines = await told(`sources: ${'['.repeat(5000)}`);
    expect(lines).toHaveLength(1);
    expect(await told(`sources: ${'['.repeat(80)}${']'.repeat(80)}`)).toEqual([expect.stringContaining('nested deeper than 64 levels')]);
  });
});
