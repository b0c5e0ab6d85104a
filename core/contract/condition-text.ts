import type { Condition, Op } from './query.ts';

const OPERATOR = /^([^=!<>^~]+?)\s*(!=|<=|>=|\^=|~=|==|=|<|>)\s*(.*)$/s;
const BARE = /^[^=!<>^~]+$/;

/** `duration_ms>=500`, `status!=200`, `logger^=callcentersite.`, `message~=timeout`, `exception`. Undefined when it is none. */
export function parseCondition(text: string): Condition | undefined {
  const trimmed = text.trim();
  const match = OPERATOR.exec(trimmed);
  if (match) return { field: match[1] as string, op: (match[2] === '==' ? '=' : match[2]) as Op, value: match[3] as string };
  return BARE.test(trimmed) ? { field: trimmed, op: 'exists' } : undefined;
}

/** The inverse of {@link parseCondition} for text values; other values are written as JSON. */
export function formatCondition(condition: Condition): string {
  if ('search' in condition) return `search=${condition.search}`;
  if (condition.op === 'exists') return condition.field;
  const { value } = condition;
  return `${condition.field}${condition.op}${typeof value === 'string' ? value : JSON.stringify(value)}`;
}
