import type { Condition, FieldCondition, Query, Support } from '../../core/contract/index.ts';
import { isService } from '../cassandra/keys.ts';
import { ANY_REQUEST, isRequest } from '../cassandra/row.ts';

/** What of a query's conditions the tables help with. All of it brings a superset, from which the core takes what fits. */
export interface Narrowing {
  /** One of these is the line's level; lines with a list there are to be read as well. */
  readonly levels?: readonly string[];
  /** One of these is the line's service; the same. */
  readonly services?: ReadonlySet<string>;
  /** The line is found by one of these requests. */
  readonly requests?: readonly string[];
}

interface Use {
  readonly narrowing: Narrowing;
  readonly where: readonly Support[];
}

/** More values than these are looked for by reading all. */
const MOST_LEVELS = 4;
const MOST_REQUESTS = 100;
/** In UTF-8 bytes. Cassandra leaves terms of more than 8 KiB out of its index. */
const LONGEST_LEVEL = 1024;

/**
 * Says what is of use. A condition with a number, or a word of JSON, for its value is met by other values than texts
 * (`5` by 5, `true` by true), and only texts have partitions and an index.
 */
export function narrow({ where, order }: Pick<Query, 'where' | 'order'>): Use {
  const wanted = where.map(equality);
  const find = (field: string, fits: (texts: readonly string[]) => boolean) =>
    wanted.findIndex((one) => one !== undefined && one.field === field && fits(one.texts));
  const texts = (index: number) => wanted[index]?.texts ?? [];

  const request = find(
    'request_id',
    (all) => all.length <= MOST_REQUESTS && requestKeys(all).every((key) => isRequest(key) && !isWord(key)),
  );
  if (request >= 0) {
    const requests = [...new Set([...requestKeys(texts(request)), ANY_REQUEST])];
    return { narrowing: { requests }, where: supported(where, [request]) };
  }
  const service = find('service', (all) => all.every((text) => isService(text) && isText(text)));
  // An index gives lines newest first only.
  const level = order === 'oldest' ? -1 : find('level', (all) => all.length <= MOST_LEVELS && all.every(isLevel));
  return {
    narrowing: {
      ...(service >= 0 && { services: new Set(texts(service)) }),
      ...(level >= 0 && { levels: [...new Set(texts(level))] }),
    },
    where: supported(where, [service, level]),
  };
}

/** Numbers are kept by their value. */
function requestKeys(texts: readonly string[]): string[] {
  return texts.flatMap((text) => (isNumeric(text) ? [text, String(Number(text))] : [text]));
}

function supported(where: readonly Condition[], used: readonly number[]): Support[] {
  return where.map((_, index) => (used.includes(index) ? 'inexact' : 'unsupported'));
}

/** The texts that a field is to be equal to; undefined for any other condition. */
function equality(condition: Condition): { readonly field: string; readonly texts: readonly string[] } | undefined {
  if ('search' in condition || condition.op !== '=') return undefined;
  const { field, value } = condition as FieldCondition;
  const values = Array.isArray(value) ? value : [value];
  const texts = values.filter((one) => one !== undefined && (one === null || typeof one !== 'object')).map(String);
  return texts.length === values.length && texts.length > 0 ? { field, texts } : undefined;
}

function isLevel(text: string): boolean {
  return isText(text) && text !== '' && Buffer.byteLength(text) <= LONGEST_LEVEL;
}

/** Equals nothing but this text, and is stored as it is. */
function isText(text: string): boolean {
  return !isNumeric(text) && !isWord(text) && Buffer.from(text).toString() === text;
}

/** Every text that is a number of JSON, and a few others. */
function isNumeric(text: string): boolean {
  return !Number.isNaN(Number(text));
}

function isWord(text: string): boolean {
  return text === 'true' || text === 'false' || text === 'null';
}
