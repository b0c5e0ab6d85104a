import type { Condition, FieldCondition, Json } from '../../core/contract/index.ts';

/** Whether a line of this level is wanted; `undefined`: its group does not tell. */
export interface Levels {
  /** Of a line. */
  holds(level: Json | undefined): boolean;
  /** Of all lines whose group has this value. */
  holdsFor(group: Json): boolean | undefined;
}

/**
 * The conditions, when they are about texts of the field `level` only. Others, such as `level = 30`, which a number fulfils as
 * well as a text, are for the core.
 */
export function levelsOf(where: readonly Condition[]): Levels | undefined {
  const tests = where.map(testOf);
  if (!tests.every((test) => test !== undefined)) return undefined;
  const holds = (level: Json | undefined) => tests.every((test) => test(level));
  return {
    holds,
    // A list or an object has the same group as the text that it is written as, and the elements of a list are looked at one by one.
    holdsFor: (group) => (tests.length > 0 && typeof group === 'string' && /^[[{]/.test(group) ? undefined : holds(group)),
  };
}

function testOf(condition: Condition): ((level: Json | undefined) => boolean) | undefined {
  if ('search' in condition || condition.field !== 'level') return undefined;
  const { op } = condition;
  const texts = textsOf(condition);
  if (!texts || (op !== '=' && op !== '!=')) return undefined;
  return (level) => {
    const values: readonly (Json | undefined)[] = Array.isArray(level) ? level : [level];
    return values.some((value) => typeof value === 'string' && texts.has(value)) === (op === '=');
  };
}

/** Texts that only the same text is equal to. */
function textsOf({ value }: FieldCondition): ReadonlySet<string> | undefined {
  const values: readonly Json[] = Array.isArray(value) ? value : [value ?? null];
  const plain = (one: Json): one is string => typeof one === 'string' && Number.isNaN(Number(one)) && !/^(true|false|null)$/.test(one);
  return values.every(plain) ? new Set(values) : undefined;
}
