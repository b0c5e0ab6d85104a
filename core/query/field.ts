import type { Json, JsonObject } from '../contract/index.ts';

/** The one value of a field: that of its own key, else at a dotted path of keys; `undefined` when it is not there. */
export function fieldValue(field: string): (body: JsonObject) => Json | undefined {
  const path = field.split('.');
  return (body) => {
    if (path.length === 1 || Object.hasOwn(body, field)) return own(body, field);
    return path.reduce<Json | undefined>(own, body);
  };
}

function own(value: Json | undefined, key: string): Json | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, key) ? (value as JsonObject)[key] : undefined;
}
