import type { Entry } from '../contract/index.ts';
import { compile } from '../query/conditions.ts';
import type { Customs } from './expectations.ts';
import type { Finding, Sample } from './quality.ts';

/** Of a source without usual fields, any field is expected that so many of the entries have. */
const HABIT = 0.8;

/** Entries that have every required field. */
export function completeness(sample: Sample, required: readonly string[] | undefined, customs: Customs): Finding {
  const { entries } = sample;
  const { fields, because } = required ? { fields: required, because: 'as configured' } : expectedOf(sample, customs.fields);
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

/** A usual field that the source knows is expected however few entries have it, so that no score rises when more of them lose it. */
function expectedOf({ type, entries, fields: told }: Sample, usual: readonly string[]): { fields: readonly string[]; because: string } {
  const isKnown = (field: string) =>
    told ? told.some(({ name }) => name === field) : entries.some(({ body }) => Object.hasOwn(body, field));
  const known = usual.filter(isKnown);
  const by = told ? 'the source has' : 'any of the entries has';
  if (known.length > 0) return { fields: known, because: `the usual fields of ${type} that ${by}` };
  const counts = new Map<string, number>();
  for (const { body } of entries) {
    for (const [field, value] of Object.entries(body)) if (value !== null && value !== '') counts.set(field, (counts.get(field) ?? 0) + 1);
  }
  const fields = [...counts].filter(([, count]) => count / entries.length >= HABIT).map(([field]) => field);
  return { fields, because: 'the fields that at least 80 % of the entries have' };
}
