import type { Json, JsonObject } from '../contract/index.ts';
import type { Findings, Path } from './findings.ts';
import { type Interpolated, interpolate } from './interpolate.ts';
import { locate, type Tree } from './tree.ts';

/** A value whose text in the file held variables. */
export interface Origin extends Interpolated {
  /** As it stands in the file. */
  readonly raw: string;
  readonly path: Path;
}

/** Values with their variables filled in. */
export interface Filled {
  readonly value: Json;
  /** By {@link pathKey}, relative to the value. */
  readonly origins: ReadonlyMap<string, Origin>;
}

export function pathKey(path: Path): string {
  return JSON.stringify(path);
}

/**
 * Turns a tree into values. Only scalar values are interpolated and each stays one scalar, so a variable cannot change the
 * structure. Variables that cannot be filled in are added to the findings, below `base`.
 */
export function fill(tree: Tree, base: Path, env: NodeJS.ProcessEnv, findings: Findings): Filled {
  const origins = new Map<string, Origin>();
  const walk = (at: Tree, path: Path): Json => {
    if (at.kind === 'list') return at.items.map((item, index) => walk(item, [...path, index]));
    if (at.kind === 'map') {
      // fromEntries defines properties, so that even a key called __proto__ is only a key.
      return Object.fromEntries([...at.entries].map(([key, member]) => [key, walk(member.value, [...path, key])]));
    }
    if (typeof at.value !== 'string' || !at.value.includes('${')) return at.value;
    const filled = interpolate(at.value, env);
    origins.set(pathKey(path), { ...filled, raw: at.value, path });
    for (const fault of filled.faults) findings.add([...base, ...path], at.at, fault);
    return filled.text;
  };
  return { value: walk(tree, []), origins };
}

/** One scalar as text; complains and answers `undefined` when it is none. */
export function fillText(tree: Tree | undefined, path: Path, env: NodeJS.ProcessEnv, findings: Findings): Origin | undefined {
  if (tree?.kind !== 'scalar' || typeof tree.value !== 'string') {
    if (tree) findings.add(path, locate(tree, []).value, `expected text, got ${kindOf(valueKind(tree))}`);
    return undefined;
  }
  const { value, origins } = fill(tree, path, env, findings);
  const origin = origins.get(pathKey([])) ?? { text: String(value), raw: tree.value, path: [], whole: false, secrets: [], faults: [] };
  return origin.faults.length > 0 ? undefined : origin;
}

function valueKind(tree: Tree): Json {
  return tree.kind === 'scalar' ? tree.value : tree.kind === 'list' ? [] : {};
}

/** What a person calls a value. */
export function kindOf(value: Json | undefined): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** The value at a path, `undefined` where there is none. */
export function valueAt(value: Json | undefined, path: Path): Json | undefined {
  let at = value;
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as JsonObject)[step];
  }
  return at;
}
