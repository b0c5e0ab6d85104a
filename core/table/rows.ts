import { createHash } from 'node:crypto';
import { type Draft, formatTime, type Micros } from '../contract/index.ts';
import type { Dialect, SqlRow, SqlValue } from './database.ts';
import { isJsonNumber } from './json-number.ts';
import type { Column, Table } from './table.ts';

const LONGEST_ID = 96;
const KEY_DIGITS = 20;
const BEYOND_KEYS = 10n ** BigInt(KEY_DIGITS);
const PRINTABLE = /^[\x21-\x7e]+$/;

/**
 * The id of a row. Whole keys are padded to 20 digits, negative ones as what is left of 10^20, so that ids are in the order of
 * the keys. Another key stands as it is when it fits into an id, else as a hash of it.
 */
export function rowId(source: string, key: bigint | string): string {
  if (typeof key === 'bigint') {
    const digits = (key < 0n ? BEYOND_KEYS + key : key).toString().padStart(KEY_DIGITS, '0');
    return `${source}.${key < 0n ? '-' : ''}${digits}`;
  }
  if (PRINTABLE.test(key) && source.length + 1 + key.length <= LONGEST_ID) return `${source}.${key}`;
  return `${source}.~${createHash('sha256').update(key).digest('base64url').slice(0, 22)}`;
}

/** Reads rows of a table as entries. */
export interface RowReader {
  /** Every column of the table, then what else is needed, each quoted; for `SELECT … FROM`. More may follow it. */
  readonly select: string;
  /** `undefined` when the row has no time or no key, so that it is no entry. */
  toDraft(row: SqlRow): Draft | undefined;
  /** The values as the database gave them, for going on behind the row. */
  timeOf(row: SqlRow): SqlValue;
  keyOf(row: SqlRow): SqlValue;
}

export function rowReader(dialect: Dialect, table: Table, source: string): RowReader {
  const columns = [...table.columns];
  const placeOf = (wanted: Column) => {
    const place = columns.findIndex(({ column }) => column === wanted.column);
    return place >= 0 ? place : columns.push(wanted) - 1;
  };
  const time = placeOf(table.time);
  const key = placeOf(table.key);
  const keyId = keyIds(source, table.key.kind === 'integer');
  const names = table.columns.map(({ field }, place) => `${place === 0 ? '{' : ','}${JSON.stringify(field)}:`);
  const tellers = table.columns.map((column) => teller(column, dialect));
  const telling: Telling = {
    id: (row) => keyId(row[key] as Exclude<SqlValue, null>),
    json(row, at) {
      let json = '';
      for (let place = 0; place < names.length; place++) {
        json += names[place];
        // The time is known already, and to read it again is costly.
        json += place === time ? `"${formatTime(at)}"` : tellers[place]?.(row[place] ?? null);
      }
      return `${json}}`;
    },
  };

  return {
    select: columns.map(({ column, kind }) => selected(dialect.quote(column), kind, dialect)).join(', '),
    toDraft(row) {
      const at = dialect.readTime(row[time] ?? null);
      if (at === undefined || !Number.isSafeInteger(at) || (row[key] ?? null) === null) return undefined;
      return new RowDraft(at, row, telling);
    },
    timeOf: (row) => row[time] ?? null,
    keyOf: (row) => row[key] ?? null,
  };
}

function selected(column: string, kind: Column['kind'], { timeText }: Dialect): string {
  return kind === 'time' && timeText ? timeText(column) : column;
}

interface Telling {
  id(row: SqlRow): string;
  json(row: SqlRow, time: Micros): string;
}

/** Makes its id and its JSON when they are asked for, which is once, and for many ids never. */
class RowDraft implements Draft {
  readonly time: Micros;
  readonly #row: SqlRow;
  readonly #telling: Telling;

  constructor(time: Micros, row: SqlRow, telling: Telling) {
    this.time = time;
    this.#row = row;
    this.#telling = telling;
  }

  get sound(): true {
    return true;
  }

  get id(): string {
    return this.#telling.id(this.#row);
  }

  get json(): string {
    return this.#telling.json(this.#row, this.time);
  }
}

function keyIds(source: string, whole: boolean): (key: Exclude<SqlValue, null>) => string {
  if (!whole) return (key) => rowId(source, keyText(key));
  return (key) => rowId(source, BigInt(key as string));
}

function keyText(key: SqlValue): string {
  return key instanceof Uint8Array ? base64(key) : String(key);
}

type Teller = (value: SqlValue) => string;

/** How the values of a column are told in JSON. A value of another type than the column's, which SQLite allows, is told as it is. */
export function teller(column: Column, dialect: Dialect): Teller {
  const told = telling(column, dialect);
  return (value) => (value === null ? 'null' : (told(value) ?? asItIs(value)));
}

function telling({ kind, digits }: Column, dialect: Dialect): (value: SqlValue) => string | undefined {
  switch (kind) {
    case 'decimal':
      return (value) => (typeof value === 'string' ? numberText(value) : withScale(value, digits?.[1] ?? 0));
    case 'integer':
    case 'real':
      return (value) => (typeof value === 'string' ? numberText(value) : undefined);
    case 'boolean':
      return (value) => (typeof value === 'string' ? undefined : String(isTrue(value)));
    case 'json':
      return (value) => (typeof value === 'string' ? jsonText(value) : undefined);
    case 'time':
      return (value) => {
        const time = dialect.readTime(value);
        return time === undefined ? undefined : `"${formatTime(time)}"`;
      };
    default:
      return () => undefined;
  }
}

/** What a JSON string cannot hold as it is; a half of a surrogate pair is left to the serialiser as well. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what has to be escaped
const ESCAPED = /["\\\u0000-\u001f\ud800-\udfff]/;

function asItIs(value: SqlValue): string {
  if (typeof value === 'string') return ESCAPED.test(value) ? JSON.stringify(value) : `"${value}"`;
  if (value instanceof Uint8Array) return `"${base64(value)}"`;
  if (value === Number.POSITIVE_INFINITY) return '1e999';
  if (value === Number.NEGATIVE_INFINITY) return '-1e999';
  return String(value);
}

/** MySQL fills some numbers up with zeros, which JSON has no room for. */
function numberText(text: string): string | undefined {
  if (isJsonNumber(text)) return text;
  const shorter = text.replace(/^(-?)0+(?=\d)/, '$1');
  return isJsonNumber(shorter) ? shorter : undefined;
}

/** With all digits of the scale, unless the value has more of them than the column declares. */
function withScale(value: SqlValue, scale: number): string | undefined {
  if (typeof value === 'bigint') return scale > 0 ? `${value}.${'0'.repeat(scale)}` : undefined;
  if (typeof value !== 'number' || !(Math.abs(value) < 1e21)) return undefined;
  const text = value.toFixed(Math.min(scale, 100));
  return Number(text) === value ? text : undefined;
}

function isTrue(value: SqlValue): boolean {
  return value instanceof Uint8Array ? value.some((byte) => byte !== 0) : Number(value) !== 0;
}

/** A flat object of plain values, as most are; to look at it so takes a third of the time of parsing it. */
const FLAT =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what JSON strings must not have
  /^\{(?:"[^"\\\u0000-\u001f]*": ?(?:"[^"\\\u0000-\u001f]*"|-?(?:0|[1-9]\d*)(?:\.\d+)?|true|false|null)(?:, ?(?=")|(?=\}$)))*\}$/;

function jsonText(text: string): string | undefined {
  if (FLAT.test(text)) return text;
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  // In valid JSON a line break stands between tokens only.
  return /[\r\n]/.test(text) ? text.replace(/[\r\n]+/g, ' ') : text;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
