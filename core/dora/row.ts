import type { Entry, Json, Point } from '../contract/index.ts';
import type { Role, roles } from './vocabulary.ts';

/** The little of a metrics row that the four keys rest on; many of them are held at once. */
export interface DoraRow extends Point, Role {
  readonly cycle: string | undefined;
  readonly feature: string | undefined;
}

/** `undefined` for a row without `phase_name`, which belongs to another table. */
export function doraRow({ id, time, body }: Entry, roleOf: ReturnType<typeof roles>): DoraRow | undefined {
  const phase = textOf(body['phase_name']);
  if (phase === undefined) return undefined;
  const { deployed, failing, recovered, unknown } = roleOf(phase, textOf(body['decision']));
  return { time, id, cycle: textOf(body['cycle_id']), feature: textOf(body['feature_id']), deployed, failing, recovered, unknown };
}

/** An empty text names nothing. */
function textOf(value: Json | undefined): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
