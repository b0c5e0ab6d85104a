import { type Condition, type FieldCondition, formatCondition, type Json, type JsonObject, RequestError } from '../contract/index.ts';

/**
 * The one definition of what a condition means.
 *
 * **Field.** An own key of the entry, as it was written; when there is none, a dotted path of own keys. On the way and at
 * the end an array stands for each of its elements, and one that fits is enough.
 *
 * **Value.** Text, as URLs have it; a number or a boolean is taken as its JSON text. "Numeric" means: is a JSON number.
 *
 * | op | holds when the field |
 * | --- | --- |
 * | `=` | is the same string; is a number and the text is numeric with the same value; is `true`, `false` or `null` and the text says so. A list of values means any of them. Objects equal nothing. |
 * | `!=` | is not `=`; so an absent field is unequal to everything |
 * | `<` `<=` `>` `>=` | numeric text: a number, or a numeric string, that compares so by value. Other text: a string that compares so by code unit. |
 * | `^=` `~=` | begins with, contains: the string, or the JSON text of a number, a boolean or null; case-sensitive |
 * | `exists` | is present and not null: a writer that fills in every field has nothing to say by `null` |
 *
 * **Search** holds when some decoded key or string value, at any depth, contains the text; case-sensitive.
 */
export function compile(where: readonly Condition[]): (body: JsonObject) => boolean {
  const tests = where.map(test);
  const [first, second] = tests;
  if (!first) return () => true;
  if (!second) return first;
  return (body) => tests.every((holds) => holds(body));
}

type Test = (body: JsonObject) => boolean;
type ValueTest = (value: Json) => boolean;

const NUMERIC = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

function test(condition: Condition): Test {
  if ('search' in condition) {
    const { search } = condition;
    if (typeof search !== 'string' || search === '') throw new RequestError('search', 'search must be a text of one character or more');
    return (body) => contains(body, search);
  }
  if (typeof condition.field !== 'string' || condition.field === '')
    throw new RequestError('where', 'a condition needs the name of a field');
  const values = lookup(condition.field);
  if (condition.op === 'exists') return (body) => values(body).some((value) => value !== null);
  const holds = valueTest(condition);
  if (condition.op === '!=') return (body) => !elements(values(body)).some(holds);
  return (body) => elements(values(body)).some(holds);
}

function valueTest(condition: FieldCondition): ValueTest {
  switch (condition.op) {
    case '=':
    case '!=':
      return equals(texts(condition));
    case '<':
      return compares(text(condition), (sign) => sign < 0);
    case '<=':
      return compares(text(condition), (sign) => sign <= 0);
    case '>':
      return compares(text(condition), (sign) => sign > 0);
    case '>=':
      return compares(text(condition), (sign) => sign >= 0);
    case '^=':
      return inText(text(condition), (whole, part) => whole.startsWith(part));
    case '~=':
      return inText(text(condition), (whole, part) => whole.includes(part));
    default:
      throw new RequestError('where', `unknown operator ${JSON.stringify(condition.op)}; there are = != < <= > >= ^= ~= and exists`);
  }
}

function equals(wanted: readonly string[]): ValueTest {
  const strings = new Set(wanted);
  const numbers = new Set(wanted.filter((one) => NUMERIC.test(one)).map(Number));
  return (value) => {
    if (typeof value === 'string') return strings.has(value);
    if (typeof value === 'number') return numbers.has(value);
    return (value === null || typeof value === 'boolean') && strings.has(String(value));
  };
}

function compares(wanted: string, holds: (sign: number) => boolean): ValueTest {
  if (!NUMERIC.test(wanted)) {
    return (value) => typeof value === 'string' && holds(value < wanted ? -1 : value > wanted ? 1 : 0);
  }
  const bound = Number(wanted);
  return (value) => {
    if (typeof value === 'number') return holds(value - bound);
    return typeof value === 'string' && NUMERIC.test(value) && holds(Number(value) - bound);
  };
}

function inText(part: string, holds: (whole: string, part: string) => boolean): ValueTest {
  return (value) => {
    if (typeof value === 'string') return holds(value, part);
    return (value === null || typeof value !== 'object') && holds(String(value), part);
  };
}

function text(condition: FieldCondition): string {
  const one = scalarText(condition.value);
  if (one === undefined) {
    throw new RequestError('where', `${formatCondition(condition)} needs one text, number, boolean or null to compare with`);
  }
  return one;
}

function texts(condition: FieldCondition): string[] {
  const { value } = condition;
  if (!Array.isArray(value)) return [text(condition)];
  return value.map((one: Json) => text({ ...condition, value: one }));
}

function scalarText(value: Json | undefined): string | undefined {
  if (typeof value === 'string') return value;
  return value === undefined || (typeof value === 'object' && value !== null) ? undefined : String(value);
}

/** The values that a field stands for: none when it is absent, several when its path leads through an array. */
function lookup(field: string): (body: JsonObject) => readonly Json[] {
  const path = field.split('.');
  return (body) => {
    if (Object.hasOwn(body, field)) return [body[field] as Json];
    if (path.length === 1) return [];
    let found: readonly Json[] = [body];
    for (const key of path) {
      const deeper: Json[] = [];
      for (const value of elements(found)) {
        if (isObject(value) && Object.hasOwn(value, key)) deeper.push(value[key] as Json);
      }
      if (deeper.length === 0) return deeper;
      found = deeper;
    }
    return found;
  };
}

function elements(values: readonly Json[]): readonly Json[] {
  return values.some(Array.isArray) ? values.flat(1) : values;
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Walks with a list of its own, because a line may nest deeper than the stack is. */
function contains(body: JsonObject, part: string): boolean {
  const open: Json[] = [body];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (typeof value === 'string') {
      if (value.includes(part)) return true;
    } else if (Array.isArray(value)) {
      for (const element of value) open.push(element);
    } else if (isObject(value)) {
      for (const key of Object.keys(value)) {
        if (key.includes(part)) return true;
        open.push(value[key] as Json);
      }
    }
  }
  return false;
}
