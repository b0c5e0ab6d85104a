import { type JsonObject, RequestError } from '../../core/contract/index.ts';

const MOST_BODIES = 1000;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

export interface RecordBody {
  readonly bodies: readonly JsonObject[];
  /** One object and no list, so that a field's name alone says where a fault is. */
  readonly single: boolean;
  readonly text: string;
}

/** Reads one object, or a list of at most 1000 objects. Throws a {@link RequestError} for anything else. */
export function parseBody(bytes: Uint8Array): RecordBody {
  const text = decode(bytes);
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (error) {
    throw new RequestError('body', `the body is no JSON: ${(error as Error).message}`, { cause: error });
  }
  const single = !Array.isArray(given);
  const bodies: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (bodies.length === 0 || bodies.length > MOST_BODIES)
    throw new RequestError('body', `the list has ${bodies.length} objects; send 1 to ${MOST_BODIES} at a time`);
  const wrong = bodies.findIndex((body) => typeof body !== 'object' || body === null || Array.isArray(body));
  if (wrong >= 0) throw new RequestError(single ? 'body' : `/${wrong}`, 'the body must be a JSON object, or a list of objects');
  const inexact = inexactNumber(text);
  if (inexact !== undefined) throw new RequestError('body', `the number ${inexact.slice(0, 60)} ${adviceFor(Number(inexact))}`);
  return { bodies: bodies as readonly JsonObject[], single, text };
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new RequestError('body', 'the body is no UTF-8', { cause: error });
  }
}

/** The first number of a valid JSON text that is another one after it was parsed. */
function inexactNumber(text: string): string | undefined {
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string;
    if (char === '"') at = endOfString(text, at);
    else if (char === '-' || (char >= '0' && char <= '9')) {
      NUMBER.lastIndex = at;
      const number = NUMBER.exec(text)?.[0] ?? char;
      if (normal(number) !== normal(String(Number(number)))) return number;
      at += number.length - 1;
    }
  }
  return undefined;
}

function adviceFor(kept: number): string {
  if (Number.isFinite(kept) && kept !== 0)
    return 'has more digits than are kept of it; write it as a text of plain digits, without an exponent, such as "12.50"';
  return 'is beyond the range of numbers, so no column of numbers can keep it; as a text, in quotes, it fits into metadata or a column of texts';
}

function endOfString(text: string, begin: number): number {
  let at = begin + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}

/** Digits without zeros at either end, and the power of ten of the last one. */
function normal(number: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(number) ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  const short = digits.replace(/0+$/, '');
  return short === '' ? '0' : `${sign}${short}e${Number(exponent) - fraction.length + digits.length - short.length}`;
}
