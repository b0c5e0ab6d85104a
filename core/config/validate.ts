import type { z } from 'zod';
import { describe, type Json } from '../contract/index.ts';
import { type Complaint, errorMap, explain } from './explain.ts';
import { type Filled, fill, kindOf, type Origin, pathKey, valueAt } from './fill.ts';
import type { Findings, Path } from './findings.ts';
import { locate, type Tree } from './tree.ts';

export interface Validation<S extends z.ZodType> {
  readonly schema: S;
  readonly tree: Tree;
  /** Where the tree stands in the document. */
  readonly base: Path;
  readonly root: Tree;
  readonly env: NodeJS.ProcessEnv;
  readonly findings: Findings;
  /** Keys that may stand beside the schema's own, for suggestions. */
  readonly alsoKnown?: readonly string[];
}

/** `input` is what the schema accepted, `output` what it made of it. */
export interface Valid<S extends z.ZodType> {
  readonly input: Json;
  readonly output: z.output<S>;
}

/**
 * Fills in the variables and validates. A value that is one variable and nothing else becomes a number or a boolean where the
 * schema refuses it as text. What is wrong is added to the findings, with its place; then the answer is `undefined`.
 */
export function validate<S extends z.ZodType>(given: Validation<S>): Valid<S> | undefined {
  const { tree, base, root, env, findings } = given;
  const filled = fill(tree, base, env, findings);
  const report = ({ path, key, message }: Complaint) => {
    const place = locate(root, [...base, ...path]);
    findings.add([...base, ...path], key === undefined && path.length > 0 ? place.value : place.key, message);
  };
  const unset = [...filled.origins.values()].filter(({ faults }) => faults.length > 0);
  let result: { success: true; data: z.output<S> } | { success: false; issues: z.core.$ZodIssue[] };
  try {
    result = parseTyped(given.schema, filled);
  } catch (error) {
    report({ path: [], message: `its schema cannot check it: ${masker(filled)(describe(error))}` });
    return undefined;
  }
  if (result.success) return unset.length === 0 ? { input: filled.value, output: result.data } : undefined;
  const to = {
    input: filled.value,
    alsoKnown: given.alsoKnown ?? [],
    show: (path: Path, value: Json | undefined) => filled.origins.get(pathKey(path))?.raw ?? shown(path, value),
    mask: masker(filled),
  };
  const complaints = result.issues.flatMap((issue) => explain(issue, to));
  const meant = new Set(complaints.flatMap(({ path, meant }) => (meant === undefined ? [] : [pathKey([...path.slice(0, -1), meant])])));
  for (const complaint of complaints) {
    const misspelt = complaint.missing && meant.has(pathKey(complaint.path));
    if (!misspelt && !followsFrom(unset, complaint)) report(complaint);
  }
  return undefined;
}

/** A complaint about a value that is only wrong because its variable is not set says nothing new. */
function followsFrom(unset: readonly Origin[], { path, key }: Complaint): boolean {
  return key === undefined && unset.some((origin) => path.every((step, index) => origin.path[index] === step));
}

function parseTyped<S extends z.ZodType>(schema: S, { value, origins }: Filled) {
  const untyped = new Set([...origins.values()].filter(({ whole }) => whole));
  for (;;) {
    const result = schema.safeParse(value, { error: errorMap });
    if (result.success) return { success: true as const, data: result.data as z.output<S> };
    const refused = new Set(refusedPaths(result.error.issues, []).map(pathKey));
    const again = [...untyped].filter(({ path, text }) => refused.has(pathKey(path)) && typed(text) !== undefined);
    if (again.length === 0) return { success: false as const, issues: result.error.issues };
    for (const origin of again) {
      untyped.delete(origin);
      replace(value, origin.path, typed(origin.text) as Json);
    }
  }
}

function refusedPaths(issues: readonly z.core.$ZodIssue[], base: Path): Path[] {
  return issues.flatMap((issue) => {
    const path = [...base, ...(issue.path as Path)];
    return issue.code === 'invalid_union' ? [path, ...issue.errors.flatMap((errors) => refusedPaths(errors, path))] : [path];
  });
}

/** Names of options that hold a secret, or may hold one as a URL does; also of plugins that nobody knows. */
const SECRET = /(^|_)(password|passwd|pwd|token|secret|api_?key|url|uri|dsn)$/i;

function shown(path: Path, value: Json | undefined): string {
  const isSecret = path.some((step) => typeof step === 'string' && SECRET.test(step));
  if (isSecret && typeof value === 'string' && value !== '') return 'a text that is not shown here';
  return isSecret && typeof value === 'number' ? 'a number' : kindOf(value);
}

/** A variable that is set to nothing switches off. */
function typed(text: string): boolean | number | undefined {
  if (text === '') return false;
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text) ? Number(text) : undefined;
}

/** The value was made by `fill`, for nobody else. */
function replace(value: Json, path: Path, by: Json): void {
  const parent = valueAt(value, path.slice(0, -1)) as Record<string | number, Json>;
  const key = path.at(-1);
  if (key !== undefined) parent[key] = by;
}

/** A value shorter than this is hidden only where it stands alone, as it may well be a part of a word. */
const SHORT = 8;

/** Puts the file's own text in the place of values that came from variables; the longest first, so that no part stays behind. */
function masker({ origins }: Filled): (text: string) => string {
  const raws = new Map<string, string>();
  for (const { text, raw, secrets } of origins.values()) {
    if (secrets.length === 0) continue;
    for (const secret of [text, ...secrets]) raws.set(secret, raw).set(JSON.stringify(secret).slice(1, -1), raw);
  }
  if (raws.size === 0) return (text) => text;
  const patterns = [...raws.keys()]
    .sort((a, b) => b.length - a.length)
    .map((secret) => {
      const literal = secret.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
      return secret.length < SHORT ? `(?<![A-Za-z0-9])${literal}(?![A-Za-z0-9])` : literal;
    });
  const anyOfThem = new RegExp(patterns.join('|'), 'g');
  return (text) => text.replace(anyOfThem, (found) => raws.get(found) ?? '…');
}
