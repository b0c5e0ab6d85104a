import { type ConfigIssue, type Json, nearest, type z } from '../contract/index.ts';
import type { ConfigDocument, Path } from './document.ts';
import { typed } from './interpolate.ts';

type Issue = z.core.$ZodIssue;

/**
 * Checks options against a schema. A value that came wholly from the environment is tried as the number or boolean it spells
 * when the schema does not take it as text.
 */
export function checkOptions<S extends z.ZodType>(
  schema: S,
  given: Json,
  place: { document: ConfigDocument; path: Path; whole: readonly Path[]; extraKeys?: readonly string[] },
): { options: Json; output?: z.output<S>; issues: ConfigIssue[] } {
  let options = given;
  let result = schema.safeParse(options);
  if (!result.success) {
    const refused = result.error.issues;
    const retyped = place.whole.filter((path) => refused.some(({ path: at }) => startsWith(path, [...place.path, ...(at as Path)])));
    options = retyped.reduce((value, path) => replaceAt(value, path.slice(place.path.length), (text) => typed(String(text))), options);
    if (retyped.length > 0) result = schema.safeParse(options);
  }
  if (result.success) return { options, output: result.data, issues: [] };
  return { options, issues: result.error.issues.flatMap((issue) => explain(schema, issue, place)) };
}

function startsWith(path: Path, prefix: Path): boolean {
  return prefix.every((part, index) => path[index] === part);
}

function replaceAt(value: Json, path: Path, change: (value: Json) => Json): Json {
  const [key, ...rest] = path;
  if (key === undefined) return change(value);
  if (Array.isArray(value)) return value.map((item, index) => (index === key ? replaceAt(item as Json, rest, change) : (item as Json)));
  const object = value as { readonly [key: string]: Json };
  return { ...object, [key]: replaceAt(object[key] as Json, rest, change) };
}

function explain(
  schema: z.ZodType,
  issue: Issue,
  place: { document: ConfigDocument; path: Path; extraKeys?: readonly string[] },
): ConfigIssue[] {
  const path = [...place.path, ...(issue.path as Path)];
  if (issue.code === 'unrecognized_keys') {
    const extra = issue.path.length === 0 ? (place.extraKeys ?? []) : [];
    const known = [...keysAt(schema, issue.path as Path), ...extra];
    return issue.keys.map((key) => place.document.keyIssue([...path, key], unknownKey(key, known)));
  }
  return [place.document.issue(path, messageOf(issue))];
}

export function unknownKey(key: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  return `unknown key ${JSON.stringify(key)}; ${meant ? `did you mean ${JSON.stringify(meant)}?` : `known here: ${known.join(', ')}`}`;
}

function messageOf(issue: Issue): string {
  if (issue.code === 'invalid_union') {
    const inner = issue.errors.flat().map(messageOf);
    if (inner.length > 0) return [...new Set(inner)].join(', or ');
  }
  return issue.message.replace(/^Invalid input: /, '');
}

interface Inside {
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
}

/** The keys of the object schema at `path`, seen through defaults, options and transforms. */
function keysAt(schema: z.ZodType, path: Path): string[] {
  let at: z.ZodType | undefined = schema;
  const rest = [...path];
  while (at) {
    const inside = at._zod.def as Inside;
    const wrapped: z.ZodType | undefined = inside.innerType ?? inside.in;
    if (wrapped) at = wrapped;
    else if (rest.length === 0) return Object.keys(inside.shape ?? {});
    else at = stepInto(inside, rest.shift() as string | number);
  }
  return [];
}

function stepInto(inside: Inside, key: string | number): z.ZodType | undefined {
  return inside.shape?.[key] ?? inside.element ?? inside.valueType;
}
