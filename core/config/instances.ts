import { type Definition, describe, type JsonObject, nearest, RESERVED_KEYS, type z } from '../contract/index.ts';
import { aboutOptions } from './about.ts';
import { unknownKey } from './explain.ts';
import { fill, fillText, kindOf } from './fill.ts';
import type { Findings, Path } from './findings.ts';
import { readFrom } from './from.ts';
import type { InstanceSettings } from './settings.ts';
import { locate, type Mapping, type Tree } from './tree.ts';
import { validate } from './validate.ts';

export type Kind = InstanceSettings['kind'];

export interface Reading {
  readonly root: Mapping;
  readonly env: NodeJS.ProcessEnv;
  readonly findings: Findings;
  /** Names of built-in plugins, for suggestions. */
  readonly known: readonly string[];
  load(use: string, kind: Kind): Promise<Definition>;
}

/** An instance as the file declares it, before its plugin is known. */
export interface Declared {
  readonly kind: Kind;
  readonly name: string;
  readonly path: Path;
  readonly tree: Mapping;
  /** `unknown`: its own complaint says why. */
  readonly enabled: boolean | 'unknown';
}

const NAME = /^[a-z][a-z0-9_-]{0,62}$/;
const SWITCH: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  1: true,
  false: false,
  no: false,
  off: false,
  0: false,
  '': false,
};

/** Reads names and switches of all instances, sources first. */
export function declared(reading: Reading): Declared[] {
  const sources = section(reading, 'source');
  const sinks = section(reading, 'sink');
  const taken = new Set(sources.map(({ name }) => name));
  for (const { name, path } of sinks) {
    if (taken.has(name)) {
      reading.findings.add(
        path,
        locate(reading.root, path).key,
        `a source is called ${name} as well; names are unique, so rename one of them`,
      );
    }
  }
  return [...sources, ...sinks];
}

function section({ root, env, findings }: Reading, kind: Kind): Declared[] {
  const tree = root.entries.get(`${kind}s`)?.value;
  if (!tree || (tree.kind === 'scalar' && tree.value === null)) return [];
  if (tree.kind !== 'map') {
    findings.add([`${kind}s`], tree.at, `expected a map of ${kind}s by name, such as  my-${kind}: { use: … }`);
    return [];
  }
  return [...tree.entries].flatMap(([name, { key, value }]) => {
    const path = [`${kind}s`, name];
    if (!NAME.test(name)) {
      findings.add(path, key, 'a name is a lower-case letter, then at most 62 lower-case letters, digits, - or _');
    }
    if (value.kind !== 'map') {
      findings.add(path, value.at, `expected a map that begins with  use: PLUGIN, got ${kindOf(value.kind === 'list' ? [] : value.value)}`);
      return [];
    }
    return [{ kind, name, path, tree: value, enabled: switchOf(value.entries.get('enabled')?.value, [...path, 'enabled'], env, findings) }];
  });
}

function switchOf(tree: Tree | undefined, path: Path, env: NodeJS.ProcessEnv, findings: Findings): boolean | 'unknown' {
  if (!tree) return true;
  const value = tree.kind === 'scalar' ? tree.value : undefined;
  if (typeof value === 'boolean') return value;
  const raw = typeof value === 'number' ? String(value) : value;
  if (typeof raw === 'string') {
    const { value: text, origins } = fill({ kind: 'scalar', at: tree.at, value: raw }, path, env, findings);
    if ([...origins.values()].some(({ faults }) => faults.length > 0)) return 'unknown';
    const on = SWITCH[String(text).trim().toLowerCase()];
    if (on !== undefined) return on;
  }
  findings.add(
    path,
    tree.at,
    `expected true or false (or yes, no, on, off, 1, 0), got ${kindOf(raw ?? (tree.kind === 'map' ? {} : tree.kind === 'list' ? [] : null))}`,
  );
  return 'unknown';
}

/** What the file calls the plugin, for an instance that need not be valid. */
export function rawUse({ tree }: Declared): string {
  const use = tree.entries.get('use')?.value;
  return use?.kind === 'scalar' && use.value !== null ? String(use.value) : '';
}

/** Loads the plugin of an enabled instance and checks its options. */
export async function readInstance(instance: Declared, all: readonly Declared[], reading: Reading): Promise<InstanceSettings | undefined> {
  const { kind, name, path, tree } = instance;
  const { root, env, findings } = reading;
  const from = readFrom(instance, all, reading);
  for (const key of ['isolate', 'grants']) {
    if (tree.entries.has(key))
      findings.add([...path, key], locate(root, [...path, key]).key, 'is reserved and does nothing yet; leave it out');
  }
  const about = readAbout(instance, reading);
  const plugin = await loadPlugin(instance, reading);
  if (!plugin) return undefined;
  const valid = validate({
    schema: plugin.definition.options,
    tree: { ...tree, entries: new Map([...tree.entries].filter(([key]) => !(RESERVED_KEYS as readonly string[]).includes(key))) },
    base: path,
    root,
    env,
    findings,
    alsoKnown: ownKeys(kind),
  });
  return (
    valid && {
      kind,
      name,
      use: plugin.use,
      ...(from && { from }),
      ...about,
      options: valid.input as JsonObject,
      definition: plugin.definition,
    }
  );
}

function ownKeys(kind: Kind): string[] {
  return ['use', 'enabled', ...(kind === 'sink' ? ['from'] : Object.keys(aboutOptions.shape))];
}

/** What a source's configuration says of its data, whatever its plugin. */
function readAbout({ kind, path, tree }: Declared, { root, env, findings }: Reading): z.output<typeof aboutOptions> {
  const given = [...tree.entries].filter(([key]) => Object.hasOwn(aboutOptions.shape, key));
  if (kind === 'sink') {
    for (const [key, { key: at }] of given) findings.add([...path, key], at, 'tells of data, and belongs to a source; leave it out');
    return { expects: {} };
  }
  const valid = validate({ schema: aboutOptions, tree: { ...tree, entries: new Map(given) }, base: path, root, env, findings });
  return valid ? aboutOptions.parse(valid.input) : { expects: {} };
}

async function loadPlugin({ kind, path, tree }: Declared, reading: Reading): Promise<{ use: string; definition: Definition } | undefined> {
  const { root, env, findings, known } = reading;
  const at = tree.entries.get('use')?.value;
  if (!at) {
    const misspelt = [...tree.entries.keys()].find((key) => nearest(key, ['use']));
    if (misspelt === undefined) findings.add(path, locate(root, path).key, 'has no  use: PLUGIN; see them all with: cauce plugin list');
    else findings.add([...path, misspelt], locate(root, [...path, misspelt]).key, unknownKey(misspelt, path, '', ['use']).message);
    return undefined;
  }
  const usePath = [...path, 'use'];
  const use = fillText(at, usePath, env, findings);
  if (!use) return undefined;
  if (use.text === '') {
    findings.add(usePath, at.at, 'expected the name of a plugin, got nothing; see them all with: cauce plugin list');
    return undefined;
  }
  try {
    return { use: use.text, definition: await reading.load(use.text, kind) };
  } catch (error) {
    const message = describe(error).replaceAll(use.text, () => use.raw);
    const meant = known.includes(use.text) || message.includes('did you mean') ? undefined : nearest(use.text, known);
    findings.add(usePath, at.at, meant ? `${message}; did you mean ${meant}?` : message);
    return undefined;
  }
}
