import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { faults, load } from './stage.ts';

const options = async (text: string, env: NodeJS.ProcessEnv = {}) =>
  (await load(`sources:\n  a:\n    use: files\n    paths: x\n${text}`, env)).instances[0]?.options;

describe('a configuration', () => {
  it('is read with defaults, sources before sinks', async () => {
    const settings = await load('sinks: { o: { use: out, from: [a] } }\nsources: { a: { use: files, paths: [x] } } # a comment\n');
    expect(settings.agent).toMatchObject({ state: resolve('var'), log: { level: 'info' }, query: { deadline: 30_000 } });
    expect(settings.instances.map(({ kind, name, from }) => [kind, name, from])).toEqual([
      ['source', 'a', undefined],
      ['sink', 'o', ['a']],
    ]);
  });

  it('fills in variables, their defaults and alternatives, and leaves an escaped one', async () => {
    const text = '    nested: { window: 1, label: "${A} ${B:-b} ${A:+there} ${NOPE:+never}|$${A}" }\n';
    expect(await options(text, { A: 'a', B: '' })).toMatchObject({ nested: { label: 'a b there |${A}' } });
  });

  it('takes a number or a boolean from the environment where one is wanted, and text where text is', async () => {
    const text = '    count: "${N}"\n    loud: ${L}\n    nested: { window: 2, label: "${N}" }\n';
    expect(await options(text, { N: '12', L: 'true' })).toMatchObject({ count: 12, loud: true, nested: { label: '12' } });
  });

  it.each([
    ['true', true],
    ['1', true],
    ['on', true],
    ['false', false],
    ['no', false],
    ['', false],
  ])('enabled from a variable that is %j: %s', async (value, on) => {
    const settings = await load('sources:\n  a:\n    use: files\n    paths: x\n    enabled: ${E}\n', { E: value });
    expect(settings.instances.length).toBe(on ? 1 : 0);
    expect(settings.disabled).toEqual(on ? [] : [{ kind: 'source', name: 'a', use: 'files' }]);
  });

  it("says of a source's data who answers for it, and what it should look like", async () => {
    const text = 'owner: "${TEAM}", expects: { required: [id], every: 1d }';
    const settings = await load(`sources: { a: { use: files, paths: x, ${text} }, b: { use: files, paths: x } }`, { TEAM: 'delivery' });
    const [a, b] = settings.instances;
    expect(a).toMatchObject({ owner: 'delivery', expects: { required: ['id'], every: 86_400_000 }, options: { paths: 'x' } });
    expect(a?.options).not.toHaveProperty('owner');
    expect(b).toMatchObject({ expects: {} });
    const wrong = await faults(
      'sources: { a: { use: files, paths: x, ownr: me, expects: { evry: 1d } } }\nsinks: { o: { use: out, owner: me } }',
    );
    expect(wrong.map(({ path, line }) => [path, line])).toEqual([
      ['sources.a.ownr', 1],
      ['sources.a.expects.evry', 1],
      ['sinks.o.owner', 2],
    ]);
    expect(wrong[0]?.message).toContain('did you mean owner?');
  });

  it('asks nothing of what is disabled', async () => {
    const settings = await load('sources:\n  a: { use: nothing-of-the-kind, enabled: false, paths: "${UNSET}", whatever: 1 }\n');
    expect(settings.disabled.map(({ name }) => name)).toEqual(['a']);
  });
});

describe('what is wrong with a configuration', () => {
  it('is told all at once, with line, column and the likely key', async () => {
    const found = await faults(
      'agent: { lgo: 1 }\nsources:\n  a:\n    use: fils\n  b:\n    use: files\n    pahts: [x]\n    every: 5\n    mode: fst\n  C: { use: files, paths: x }\nsinks:\n  b: { use: out, from: [a, bb] }\n  d:\n    listen: x\nsoruces: {}\n',
    );
    const told = found.map(({ line, column, path, message }) => `${line}:${column} ${path} ${message}`);
    for (const expected of [
      /^1:10 agent\.lgo .*did you mean log\?/,
      /^4:10 sources\.a\.use .*did you mean files\?/,
      /^7:5 sources\.b\.pahts .*did you mean paths\?/,
      /^8:12 sources\.b\.every .*duration/,
      /^9:11 sources\.b\.mode .*fast.*safe/,
      /^10:3 sources\.C /,
      /^12:\d+ sinks\.b .*/,
      /^13:\d+ sinks\.d.*use/,
      /^15:1 soruces .*did you mean sources\?/,
    ]) {
      expect(told.filter((line) => expected.test(line)).length, `${expected} in\n${told.join('\n')}`).toBeGreaterThan(0);
    }
    expect(found.map(({ line = 0 }) => line)).toEqual(found.map(({ line = 0 }) => line).sort((a, b) => a - b));
  });

  it.each([
    ['an empty file', '', /empty/],
    ['a list', '- a\n', /list/],
    ['broken YAML', 'sources: {a: [\n', /./],
    ['a key twice', 'sources: {}\nsources: {}\n', /the key sources is here a second time/],
    ['a source that is a text', 'sources: { a: text }\n', /./],
    ['a variable that is not set', 'sources:\n  a:\n    use: files\n    paths: ["${UNSET_ONE}"]\n', /UNSET_ONE is not set/],
    ['a variable that is none', 'sources:\n  a:\n    use: files\n    paths: ["${not a name}"]\n', /names no variable/],
    [
      'aliases that explode',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghij'.replace(/./g, (key, at: number) => `${key}: &${key} [${`*${'abcdefghij'[at]},`.repeat(9).slice(0, -1)}]\n`)}`,
      /./,
    ],
    [
      'a from that names what is disabled',
      'sources: { a: { use: files, enabled: false } }\nsinks: { o: { use: out, from: [a] } }\n',
      /disabled|not enabled/,
    ],
  ])('%s', async (_name, text, message) => {
    const found = await faults(text);
    expect(found.map((issue) => issue.message).join('\n')).toMatch(message);
    expect(found[0]?.line).toBeGreaterThan(0);
  });

  it('never shows what a variable holds', async () => {
    const text =
      'sources:\n  a:\n    use: files\n    paths: x\n    mode: "${SECRET}"\n    every: "x${SECRET}"\n    count: ${SECRET}\n  b:\n    use: "${SECRET}"\n';
    const found = await faults(text, { SECRET: 'hunter2-very-secret' });
    expect(found.length).toBeGreaterThan(2);
    expect(JSON.stringify(found)).not.toContain('hunter2');
  });
});
