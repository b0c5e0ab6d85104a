import { isDeepStrictEqual } from 'node:util';
import { formatTime, type Json, type JsonObject, parseTimestamp } from '../contract/index.ts';
import type { Dialect, SqlValue } from './database.ts';
import type { Column, ColumnKind } from './table.ts';

/** A value that somebody gave for a column, in the form in which it is stored. */
export interface GivenValue {
  readonly column: Column;
  readonly bound: SqlValue;
  /** Whether a value that the database gave back says the same. */
  same(stored: SqlValue): boolean;
}

/** A value that does not fit into its column; the message says why, for a person. */
export class Misfit extends Error {}

const LONGEST_JSON = 65_535;
/** MariaDB takes no more. */
const DEEPEST_JSON = 30;
const INT64: readonly [bigint, bigint] = [-(2n ** 63n), 2n ** 63n - 1n];
const WHOLE = /^-?\d+$/;
const DECIMAL = /^-?\d+(?:\.\d+)?$/;
const ZONED = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:[Zz]|[+-]\d{2}:?\d{2})$/;
const BELOW_MICROS = /\.\d{6}\d*[1-9]/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

type Fit = (value: Json, column: Column, dialect: Dialect) => Omit<GivenValue, 'column'>;

const FITS: Readonly<Record<ColumnKind, Fit>> = { text, integer, decimal, real, boolean, json, time, binary };

/** Checks a value against its column, without rounding or cutting anything. Throws a {@link Misfit}. */
export function givenValue(column: Column, value: Json, dialect: Dialect): GivenValue {
  if (column.generated) throw new Misfit('is worked out by the database; leave it out');
  if (value !== null) return { column, ...FITS[column.kind](value, column, dialect) };
  if (!column.nullable) throw new Misfit('must not be null');
  return { column, bound: null, same: (stored) => stored === null };
}

function text(value: Json, { length }: Column) {
  if (typeof value !== 'string') throw new Misfit(`must be a text, not ${shown(value)}`);
  if (/\p{Surrogate}/u.test(value)) throw new Misfit('holds half of a character (a lone surrogate)');
  // SQLite's functions take it for the end of the text.
  if (value.includes('\0')) throw new Misfit('holds a NUL character');
  const characters = [...value].length;
  if (length !== undefined && characters > length) throw new Misfit(`has ${characters} characters; there is room for ${length}`);
  return { bound: value, same: (stored: SqlValue) => stored === value };
}

function integer(value: Json, { range = INT64 }: Column) {
  const told = typeof value === 'number' ? String(value) : value;
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value))
    throw new Misfit(`has more digits than a JSON number keeps; write it as a text, "${BigInt(value)}"`);
  if (typeof told !== 'string' || !WHOLE.test(told)) throw new Misfit(`must be a whole number, not ${shown(value)}`);
  const number = BigInt(told);
  if (number < range[0] || number > range[1]) throw new Misfit(`must be from ${range[0]} to ${range[1]}, not ${told}`);
  return { bound: number, same: (stored: SqlValue) => plainDecimal(stored) === String(number) };
}

function decimal(value: Json, { digits }: Column) {
  const plain = typeof value === 'number' || typeof value === 'string' ? plainDecimal(value) : undefined;
  if (plain === undefined && typeof value === 'number')
    throw new Misfit(`needs an exponent as a JSON number (${value}); write it as a text of plain digits, such as "0.0000005"`);
  if (plain === undefined) throw new Misfit(`must be a decimal number such as 12.5, or a text of one, not ${shown(value)}`);
  const [whole = '', fraction = ''] = plain.replace(/^-/, '').split('.');
  if (digits && fraction.length > digits[1])
    throw new Misfit(`has ${fraction.length} digits behind the point; there is room for ${digits[1]}`);
  const room = digits && digits[0] - digits[1];
  if (room !== undefined && whole.replace(/^0$/, '').length > room)
    throw new Misfit(`has ${whole.length} digits before the point; there is room for ${room}`);
  return { bound: plain, same: (stored: SqlValue) => plainDecimal(stored) === plain };
}

function real(value: Json) {
  const number = typeof value === 'string' && DECIMAL.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number)) throw new Misfit(`must be a number, not ${shown(value)}`);
  return { bound: number, same: (stored: SqlValue) => stored !== null && Number(stored) === number };
}

function boolean(value: Json) {
  if (typeof value !== 'boolean') throw new Misfit(`must be true or false, not ${shown(value)}`);
  const isTrue = (stored: SqlValue) => (stored instanceof Uint8Array ? stored.some((byte) => byte !== 0) : Number(stored) !== 0);
  return { bound: value ? 1n : 0n, same: (stored: SqlValue) => stored !== null && isTrue(stored) === value };
}

function json(value: Json) {
  if (typeof value !== 'object') throw new Misfit(`must be an object or a list, not ${shown(value)}`);
  if (isDeeper(value, DEEPEST_JSON)) throw new Misfit(`is nested more than ${DEEPEST_JSON} deep`);
  const whole = JSON.stringify(value);
  const bytes = Buffer.byteLength(whole);
  if (bytes > LONGEST_JSON) throw new Misfit(`takes ${bytes} bytes as JSON; there is room for ${LONGEST_JSON}`);
  if (/\\ud[89a-f]/.test(whole)) throw new Misfit('holds half of a character (a lone surrogate)');
  const meant = parsed(whole);
  return { bound: whole, same: (stored: SqlValue) => typeof stored === 'string' && isDeepStrictEqual(parsed(stored), meant) };
}

function time(value: Json, _column: Column, dialect: Dialect) {
  const micros = typeof value === 'string' && ZONED.test(value) ? parseTimestamp(value) : undefined;
  if (micros === undefined) throw new Misfit(`must be a time with its zone, such as 2025-11-07T02:00:00Z, not ${shown(value)}`);
  if (BELOW_MICROS.test(value as string))
    throw new Misfit(`has digits below a microsecond (${value}); there is room for six behind the point`);
  return givenTime(micros, dialect);
}

/** A time that was not read from a text. */
export function givenTime(micros: number, dialect: Dialect): Omit<GivenValue, 'column'> {
  if (micros < 0) throw new Misfit(`must not be before 1970, as ${formatTime(micros)} is`);
  return { bound: dialect.timeValue(micros), same: (stored: SqlValue) => dialect.readTime(stored) === micros };
}

function binary(value: Json) {
  if (typeof value !== 'string' || !BASE64.test(value)) throw new Misfit(`must be a text in base64, not ${shown(value)}`);
  const bytes = Buffer.from(value, 'base64');
  return { bound: bytes, same: (stored: SqlValue) => stored instanceof Uint8Array && bytes.equals(stored) };
}

/** Without zeros that say nothing, so that equal numbers are equal texts; `undefined` for what is not written in digits and a point. */
function plainDecimal(value: SqlValue): string | undefined {
  const told = typeof value === 'number' || typeof value === 'bigint' ? String(value) : value;
  if (typeof told !== 'string' || !DECIMAL.test(told)) return undefined;
  const [whole = '', fraction = ''] = told.replace(/^(-?)0+(?=\d)/, '$1').split('.');
  const short = fraction.replace(/0+$/, '');
  const plain = short === '' ? whole : `${whole}.${short}`;
  return plain === '-0' ? '0' : plain;
}

/** Looks level by level, because a body may nest deeper than the stack is. */
function isDeeper(value: Json, most: number): boolean {
  let level: readonly Json[] = [value];
  for (let depth = 0; depth < most && level.length > 0; depth++) {
    level = level.flatMap((one): Json[] => Object.values(one as JsonObject)).filter((one) => typeof one === 'object' && one !== null);
  }
  return level.length > 0;
}

/** With 0 for -0, which are the same number. */
function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text, (_key, value) => (value === 0 ? 0 : value)) as Json;
  } catch {
    return undefined;
  }
}

function shown(value: Json): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object';
  const whole = JSON.stringify(value);
  return whole.length > 60 ? `${whole.slice(0, 60)}…` : whole;
}
