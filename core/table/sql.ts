import type { Sql, SqlValue } from './database.ts';

export const ALWAYS: Sql = { text: '1 = 1', values: [] };
export const NEVER: Sql = { text: '1 = 0', values: [] };

export function sql(text: string, ...values: readonly SqlValue[]): Sql {
  return { text, values };
}

export function allOf(parts: readonly Sql[]): Sql {
  if (parts.includes(NEVER)) return NEVER;
  return joined(
    parts.filter((part) => part !== ALWAYS),
    ' AND ',
    ALWAYS,
  );
}

export function anyOf(parts: readonly Sql[]): Sql {
  if (parts.includes(ALWAYS)) return ALWAYS;
  return joined(
    parts.filter((part) => part !== NEVER),
    ' OR ',
    NEVER,
  );
}

/** Holds when the other does not, also where that one is neither true nor false for want of a value. */
export function negated(part: Sql): Sql {
  if (part === ALWAYS || part === NEVER) return part === ALWAYS ? NEVER : ALWAYS;
  return { text: `NOT COALESCE((${part.text}), 0)`, values: part.values };
}

function joined(parts: readonly Sql[], by: string, none: Sql): Sql {
  const [first, second] = parts;
  if (!second) return first ?? none;
  return { text: parts.map(({ text }) => `(${text})`).join(by), values: parts.flatMap(({ values }) => values) };
}

/** Parts of a list, such as what is selected. */
export function list(parts: readonly Sql[]): Sql {
  return { text: parts.map(({ text }) => text).join(', '), values: parts.flatMap(({ values }) => values) };
}
