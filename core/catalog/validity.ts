import type { Entry, FieldSummary, Json } from '../contract/index.ts';
import { compile } from '../query/conditions.ts';
import { has } from './completeness.ts';
import type { Customs } from './expectations.ts';
import type { Finding, Sample } from './quality.ts';

type Test = (body: Entry['body']) => boolean;

const KINDS = ['array', 'boolean', 'number', 'object', 'string'];

/** Entries whose fields hold what they may hold. What is absent is for completeness to judge; what was no entry at all is invalid. */
export function validity(
  { entries, fields, skipped = 0 }: Sample,
  values: Readonly<Record<string, readonly string[]>>,
  customs: Customs,
): Finding {
  const usual = Object.entries(customs.values).filter(([field]) => !Object.hasOwn(values, field));
  const tests = [
    ...Object.entries(values).map(([field, allowed]) => oneOf(field, allowed)),
    ...usual.map(([field, allowed]) => likeOneOf(field, allowed)),
    ofTheRightKind(entries, fields ?? []),
  ];
  const named = [...Object.keys(values), ...usual.map(([field]) => field)];
  const listed = named.length > 0 ? `allowed values in ${named.join(', ')}, and ` : '';
  return {
    numerator: entries.filter(({ body }) => tests.every((holds) => holds(body))).length,
    denominator: entries.length + skipped,
    rule:
      `entries with ${listed}in every field the JSON kind that the source tells of it, or else that it has in most entries, where it has a value at all; ` +
      'what the source left out, since it could not be read or had no time, counts as invalid',
  };
}

function oneOf(field: string, allowed: readonly string[]): Test {
  const there = has(field);
  const fits = compile([{ field, op: '=', value: allowed }]);
  return (body) => !there(body) || fits(body);
}

/** Case, `_`, `-` and spaces make no difference; what is no text is judged by its kind. */
function likeOneOf(field: string, allowed: readonly string[]): Test {
  const known = new Set(allowed.map(plain));
  return (body) => {
    const value = body[field];
    return typeof value !== 'string' || value === '' || known.has(plain(value));
  };
}

function plain(word: string): string {
  return word.toLowerCase().replace(/[_\s-]/g, '');
}

/** A source's own word counts, as bad values may outnumber the good; a field that is told to hold several kinds is judged by most. */
function ofTheRightKind(entries: readonly Entry[], fields: readonly FieldSummary[]): Test {
  const counts = new Map<string, Map<string, number>>();
  for (const { body } of entries) {
    for (const [field, value] of Object.entries(body)) {
      const kind = kindOf(value);
      if (kind === undefined) continue;
      const kinds = counts.get(field) ?? new Map<string, number>();
      counts.set(field, kinds.set(kind, (kinds.get(kind) ?? 0) + 1));
    }
  }
  const expectedKinds = new Map([...[...counts].flatMap(([field, kinds]) => majority(field, kinds)), ...fields.flatMap(toldKind)]);
  return (body) =>
    Object.entries(body).every(([field, value]) => {
      const expected = expectedKinds.get(field);
      const kind = kindOf(value);
      return expected === undefined || kind === undefined || kind === expected;
    });
}

function toldKind({ name, kinds }: FieldSummary): [string, string][] {
  const [only, ...others] = kinds.filter((kind) => kind !== 'null');
  return only !== undefined && others.length === 0 && KINDS.includes(only) ? [[name, only]] : [];
}

/** A field of as many kinds as not has no usual one. */
function majority(field: string, kinds: ReadonlyMap<string, number>): [string, string][] {
  const all = [...kinds.values()].reduce((sum, count) => sum + count, 0);
  return [...kinds].filter(([, count]) => count * 2 > all).map(([kind]) => [field, kind]);
}

/** `undefined` of what is as good as absent. */
export function kindOf(value: Json | undefined): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  return Array.isArray(value) ? 'array' : typeof value;
}
