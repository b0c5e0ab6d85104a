import type { Entry } from '../contract/index.ts';
import { compile } from '../query/conditions.ts';
import type { Customs } from './expectations.ts';
import type { Finding, Sample } from './quality.ts';

/** A field that is usual for the type is expected when so many of the entries have it: the source knows it. */
const KNOWN = 0.5;
/** Of a source without usual fields, any field is expected that so many of the entries have. */
const HABIT = 0.8;

/** Entries that have every required field. */
export function completeness({ type, entries }: Sample, required: readonly string[] | undefined, customs: Customs): Finding {
  const { fields, because } = required ? { fields: required, because: 'as configured' } : expectedOf(entries, customs.fields, type);
  if (fields.length === 0)
    return { numerator: 0, denominator: 0, rule: 'no field is expected of every entry; name them in expects.required' };
  const whole = fields.map(has);
  return {
    numerator: entries.filter(({ body }) => whole.every((there) => there(body))).length,
    denominator: entries.length,
    rule: `entries with a value other than null and "" in each of ${fields.join(', ')} (${because})`,
  };
}

/** Whether a field, or a dotted path, is there with something in it. */
export function has(field: string): (body: Entry['body']) => boolean {
  return compile([
    { field, op: 'exists' },
    { field, op: '!=', value: '' },
  ]);
}

function expectedOf(entries: readonly Entry[], usual: readonly string[], type: string): { fields: readonly string[]; because: string } {
  const share = (field: string) => {
    const there = has(field);
    return entries.filter(({ body }) => there(body)).length / entries.length;
  };
  const known = usual.filter((field) => share(field) >= KNOWN);
  if (known.length > 0) return { fields: known, because: `the usual fields of ${type} that at least half of the entries have` };
  const counts = new Map<string, number>();
  for (const { body } of entries) {
    for (const [field, value] of Object.entries(body)) if (value !== null && value !== '') counts.set(field, (counts.get(field) ?? 0) + 1);
  }
  const fields = [...counts].filter(([, count]) => count / entries.length >= HABIT).map(([field]) => field);
  return { fields, because: 'the fields that at least 80 % of the entries have' };
}
