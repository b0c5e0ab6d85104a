import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { difference } from '../../../core/config/difference.ts';
import type { InstanceSettings, Settings } from '../../../core/config/settings.ts';
import { ConfigError } from '../../../core/contract/index.ts';
import { vocabularyOptions } from '../../../core/dora/vocabulary.ts';
import { definitions, faults, load } from './stage.ts';

const settle = async (text: string, env: NodeJS.ProcessEnv = {}) => {
  try {
    return await load(text, env);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return undefined;
  }
};

describe('any configuration', () => {
  it('whatever the text, is read or refused, and never crashes', async () => {
    const yamlish = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom(...'a: -[]{}&*!|>\'"\n #%@`${}?') }),
      fc.json().map((json) => stringify(JSON.parse(json))),
    );
    await fc.assert(
      fc.asyncProperty(yamlish, async (text) => {
        await settle(text);
        await settle(`sources:\n  a: ${text}\n`);
      }),
      { numRuns: 150 },
    );
  });

  it('keeps its structure whatever a variable holds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (value) => {
        const text = 'sources:\n  a:\n    use: files\n    paths: ["${V}", "x-${V}"]\n    nested: { window: 1, label: "${V}" }\n';
        const settings = await load(text, { V: value });
        expect(settings.instances[0]?.options).toEqual({ paths: [value, `x-${value}`], nested: { window: 1, label: value } });
      }),
      { numRuns: 100 },
    );
  });

  it('tells the place of a misspelled key, and the key that was meant', async () => {
    const keys = ['paths', 'every', 'count', 'loud', 'nested', 'mode'];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...keys), fc.nat(), fc.nat(6), async (key, at, lead) => {
        const place = at % (key.length - 1);
        const swapped = key.slice(0, place) + key[place + 1] + key[place] + key.slice(place + 2);
        fc.pre(swapped !== key);
        const found = await faults(`${'# lead\n'.repeat(lead)}sources:\n  a:\n    use: files\n    ${swapped}: 1\n`);
        expect(found).toContainEqual(
          expect.objectContaining({ line: lead + 4, column: 5, message: expect.stringContaining(`did you mean ${key}?`) }),
        );
      }),
      { numRuns: 60 },
    );
  });
});

describe('the difference of two configurations', () => {
  const instance = fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    options: fc.record({ paths: fc.constantFrom('x', 'y') }, { noNullPrototype: true }),
  });
  const settingsOf = (list: { name: string; options: { paths: string } }[]): Settings => ({
    file: 'f',
    agent: {
      state: 's',
      host: 'h',
      log: { level: 'info' },
      query: { deadline: 1 },
      dora: vocabularyOptions.parse({}),
      retention: { schedule: null },
    },
    disabled: [],
    instances: list.map(
      ({ name, options }): InstanceSettings => ({
        kind: 'source',
        name,
        use: 'files',
        options,
        definition: definitions['files'] as InstanceSettings['definition'],
      }),
    ),
  });
  const unique = fc.uniqueArray(instance, { selector: ({ name }) => name });

  it('puts each instance in the one place where it belongs', () => {
    fc.assert(
      fc.property(unique, unique, (before, after) => {
        const got = difference(settingsOf(before), settingsOf(after));
        const paths = (list: typeof before, name: string) => list.find((one) => one.name === name)?.options.paths;
        const names = (list: readonly InstanceSettings[]) => list.map(({ name }) => name).sort();
        const all = ['a', 'b', 'c', 'd'];
        expect(names(got.removed)).toEqual(all.filter((name) => paths(before, name) && !paths(after, name)));
        expect(names(got.added)).toEqual(all.filter((name) => !paths(before, name) && paths(after, name)));
        expect(names(got.unchanged)).toEqual(all.filter((name) => paths(before, name) && paths(before, name) === paths(after, name)));
        expect(names(got.changed)).toEqual(
          all.filter((name) => paths(before, name) && paths(after, name) && paths(before, name) !== paths(after, name)),
        );
        expect(got.agentChanged).toEqual([]);
      }),
    );
  });
});
