import type { z } from 'zod';
import { type Json, nearest } from '../contract/index.ts';
import { valueAt } from './fill.ts';
import type { Path } from './findings.ts';

type Issue = z.core.$ZodIssue;

/** One thing wrong with a value. */
export interface Complaint {
  readonly path: Path;
  /** A key that should not be there, and the one that was probably meant. */
  readonly key?: string;
  readonly meant?: string;
  /** The value is not there. */
  readonly missing?: boolean;
  readonly message: string;
}

export interface Explaining {
  /** What was validated. */
  readonly input: Json;
  /** Keys that may stand beside the schema's own at the top, for suggestions. */
  readonly alsoKnown: readonly string[];
  /** How a value is shown; for one that came from a variable, as it stands in the file. */
  show(path: Path, value: Json | undefined): string;
  /** Takes values that came from variables out of a text that a plugin wrote. */
  mask(text: string): string;
}

/**
 * The error map to validate with: it leaves zod's standard messages empty, so that a message that is there was written by the
 * schema's author, and hands on the keys that an object knows.
 */
export function errorMap(issue: z.core.$ZodRawIssue): string {
  if (issue.code !== 'unrecognized_keys') return '';
  const { shape = {} } = (issue.inst?._zod.def ?? {}) as { shape?: object };
  return Object.keys(shape).join('\n');
}

/** Says what is wrong in the words of the file. */
export function explain(issue: Issue, to: Explaining, base: Path = []): Complaint[] {
  const path = [...base, ...(issue.path as Path)];
  const missing = path.length > 0 && valueAt(to.input, path) === undefined;
  const complaint = (expected: string, custom: boolean): Complaint[] => {
    const wanted = custom ? expected : `expected ${expected}`;
    if (missing) return [{ path, missing, message: `is missing; ${wanted}` }];
    return [{ path, message: wanted.startsWith('expected') ? `${wanted}, got ${to.show(path, valueAt(to.input, path))}` : wanted }];
  };
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => unknownKey(key, path, issue.message, path.length === 0 ? to.alsoKnown : []));
  if (issue.message !== '') return complaint(to.mask(issue.message), true);
  if (issue.code === 'invalid_union') return explainUnion(issue, path, to, complaint);
  if (issue.code === 'invalid_key' || issue.code === 'invalid_element') return issue.issues.flatMap((inner) => explain(inner, to, path));
  const said = complaint(expectation(issue), false);
  return issue.code === 'invalid_value' && !missing ? said.map((one) => suggest(one, issue.values, valueAt(to.input, path))) : said;
}

export function unknownKey(key: string, path: Path, known: string, alsoKnown: readonly string[]): Complaint {
  const keys = [...known.split('\n').filter((name) => name !== ''), ...alsoKnown];
  const meant = nearest(key, keys);
  const hint = meant ? `did you mean ${meant}?` : keys.length > 0 ? `there are ${keys.join(', ')}` : 'nothing may stand here';
  return { path: [...path, key], key, ...(meant && { meant }), message: `unknown key; ${hint}` };
}

/** A branch whose kind fits says best what is wrong; when none does, all that would fit are named. */
function explainUnion(
  issue: z.core.$ZodIssueInvalidUnion,
  path: Path,
  to: Explaining,
  complaint: (expected: string, custom: boolean) => Complaint[],
): Complaint[] {
  const { options } = issue as { options?: readonly z.core.util.Primitive[] };
  if (issue.errors.length === 0)
    return complaint(`one of ${(options ?? []).map(String).join(', ') || 'several kinds, of which none fits'}`, false);
  const refusals = issue.errors.map((errors) => errors.filter(({ path: at, code }) => at.length === 0 && code !== 'unrecognized_keys'));
  const fitting = issue.errors.filter((_, index) => refusals[index]?.length === 0);
  const closest = fitting.sort((a, b) => a.length - b.length)[0];
  if (closest) return closest.flatMap((inner) => explain(inner, to, path));
  const wanted = new Set(refusals.flat().map((inner) => inner.message.replace(/^expected /, '') || expectation(inner)));
  return complaint(to.mask([...wanted].join(' or ')), false);
}

function suggest(complaint: Complaint, values: readonly z.core.util.Primitive[], got: Json | undefined): Complaint {
  const meant = typeof got === 'string' ? nearest(got, values.map(String)) : undefined;
  return meant === undefined ? complaint : { ...complaint, message: `${complaint.message}; did you mean ${meant}?` };
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  set: 'a list',
  object: 'a map',
  record: 'a map',
  map: 'a map',
  null: 'nothing',
  undefined: 'nothing',
  never: 'nothing',
};

/** What would have been right, such as `a number of at least 1`. */
function expectation(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return KINDS[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return issue.values.length === 1 ? String(issue.values[0]) : `one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return sized(issue.origin, issue.inclusive === false ? 'more than' : 'at least', Number(issue.minimum));
    case 'too_big':
      return sized(issue.origin, issue.inclusive === false ? 'less than' : 'at most', Number(issue.maximum));
    case 'invalid_format':
      return issue.format === 'regex' ? `text that matches ${issue.pattern}` : `text in the format ${issue.format}`;
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`;
    default:
      return 'another value';
  }
}

function sized(origin: string, bound: string, limit: number): string {
  if (origin === 'string') return `text of ${bound} ${limit} character${limit === 1 ? '' : 's'}`;
  if (origin === 'array' || origin === 'set') return `a list of ${bound} ${limit}`;
  return `a number of ${bound} ${limit}`;
}
