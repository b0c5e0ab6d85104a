import { type Positions, RequestError } from '../../core/contract/index.ts';

const MOST_BYTES = 64 * 1024;
const LONGEST_CURSOR = 2048;
const BASE64URL = /^[A-Za-z0-9_-]+={0,2}$/;

/**
 * The value of `after`: base64url of `{source: {lane: cursor}}`, at most 64 KiB of JSON. Throws a {@link RequestError} for
 * anything else.
 */
export function decodePositions(text: string): Positions {
  const wrong = (what: string) =>
    new RequestError('after', `after ${what}; it is base64url of the JSON {source: {lane: cursor}}, folded from the frames of a stream`);
  if (text.length > MOST_BYTES * 1.4) throw wrong('is longer than 64 KiB');
  if (!BASE64URL.test(text)) throw wrong('is not base64url');
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length > MOST_BYTES) throw wrong('is longer than 64 KiB');
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw wrong('holds no JSON');
  }
  if (!isPositions(value)) throw wrong('is no position');
  return value;
}

function isPositions(value: unknown): value is Positions {
  return isObject(value) && Object.values(value).every((lanes) => isObject(lanes) && Object.values(lanes).every(isCursor));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCursor(value: unknown): boolean {
  return typeof value === 'string' && value.length <= LONGEST_CURSOR;
}
