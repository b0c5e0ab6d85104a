import { createHash } from 'node:crypto';
import { type Condition, type DataType, type Micros, type Point, type Query, RequestError } from '../contract/index.ts';
import { isId } from './point.ts';

/** What makes two requests the same query; their limits may differ. */
export interface Identity {
  readonly type: DataType;
  readonly order: Query['order'];
  readonly where: readonly Condition[];
  readonly sources?: readonly string[] | undefined;
  readonly binding?: string | undefined;
}

/** Where a page begins. `source` and `until` (inclusive) are set in the cursor that fetches what one source still owes. */
export interface Place {
  readonly from: Micros;
  readonly to: Micros;
  readonly after?: Point | undefined;
  readonly source?: string | undefined;
  readonly until?: Point | undefined;
}

const LONGEST = 4096;

/**
 * Base64url of `{v: 1, h: hash of the query, f: from, t: to, a?: after, s?: source, u?: until, c: checksum of the rest}`.
 * The checksum tells a damaged cursor; it is no secret, and a cursor gives no access that its query would not give.
 */
export function encodeCursor(identity: Identity, place: Place): string {
  const { from, to, after, source, until } = place;
  const rest = {
    v: 1,
    h: fingerprint(identity),
    f: from,
    t: to,
    ...(after && { a: [after.time, after.id] }),
    ...(source !== undefined && { s: source }),
    ...(until && { u: [until.time, until.id] }),
  };
  return Buffer.from(JSON.stringify({ ...rest, c: hash(JSON.stringify(rest), 6) })).toString('base64url');
}

/** The inverse; a {@link RequestError} for anything that {@link encodeCursor} did not make for this query. */
export function decodeCursor(text: string, identity: Identity): Place {
  const place = read(text);
  if (!place) throw new RequestError('cursor', 'the cursor is damaged; use next_cursor of an answer as it was given');
  if (place.hash !== fingerprint(identity)) {
    throw new RequestError(
      'cursor',
      'this cursor belongs to another query; repeat the parameters of the query that gave it, or leave the cursor out',
    );
  }
  // Encoding again must give the same text, so nothing that was ignored above can pass.
  if (encodeCursor(identity, place) !== text)
    throw new RequestError('cursor', 'the cursor is damaged; use next_cursor of an answer as it was given');
  return place;
}

function read(text: string): (Place & { readonly hash: string }) | undefined {
  if (typeof text !== 'string' || text.length > LONGEST) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    return undefined; // Not JSON: the caller answers that the cursor is damaged.
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { v, h, f, t, a, s, u } = value as Record<string, unknown>;
  if (v !== 1 || typeof h !== 'string' || !Number.isSafeInteger(f) || !Number.isSafeInteger(t)) return undefined;
  const [after, until] = [point(a), point(u)];
  if ((a !== undefined && !after) || (u !== undefined && !until)) return undefined;
  if (s !== undefined && typeof s !== 'string') return undefined;
  return { hash: h, from: f as number, to: t as number, after, source: s, until };
}

function point(value: unknown): Point | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [time, id] = value as unknown[];
  return Number.isSafeInteger(time) && isId(id) ? { time: time as number, id } : undefined;
}

function fingerprint({ type, order, where, sources, binding }: Identity): string {
  const conditions = where.map((one) => ('search' in one ? [one.search] : [one.field, one.op, one.value ?? null]));
  return hash(JSON.stringify([type, order, conditions, sources ? [...new Set(sources)].sort() : null, binding ?? null]), 12);
}

function hash(text: string, bytes: number): string {
  return createHash('sha256').update(text).digest().subarray(0, bytes).toString('base64url');
}
