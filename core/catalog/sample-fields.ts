import type { Entry, FieldSummary, Json } from '../contract/index.ts';
import { kindOf } from './validity.ts';

const MOST_FIELDS = 200;
/** A field of more values than this has no commonest ones worth telling. */
const FEW_VALUES = 50;
const TOP = 5;

interface Seen {
  readonly kinds: Set<string>;
  /** How often each value occurs; undefined when there are too many. */
  values: Map<string, number> | undefined;
}

/** The fields of some entries, for sources that cannot tell theirs; the first 200 of them. */
export function fieldsOf(entries: readonly Entry[]): FieldSummary[] {
  const fields = new Map<string, Seen>();
  for (const { body } of entries) {
    for (const [name, value] of Object.entries(body)) {
      const seen = fields.get(name) ?? { kinds: new Set(), values: new Map() };
      if (!fields.has(name) && fields.size >= MOST_FIELDS) continue;
      fields.set(name, seen);
      look(seen, value);
    }
  }
  return [...fields].map(([name, { kinds, values }]) => ({
    name,
    kinds: [...kinds].sort(),
    ...(values && values.size > 0 && { distinct: values.size, top: topOf(values) }),
  }));
}

function look(seen: Seen, value: Json): void {
  seen.kinds.add(value === null ? 'null' : (kindOf(value) ?? 'string'));
  if (typeof value === 'object' && value !== null) seen.values = undefined;
  const { values } = seen;
  if (!values || value === null) return;
  const text = String(value);
  values.set(text, (values.get(text) ?? 0) + 1);
  if (values.size > FEW_VALUES) seen.values = undefined;
}

function topOf(values: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...values].sort((a, b) => b[1] - a[1]).slice(0, TOP));
}
