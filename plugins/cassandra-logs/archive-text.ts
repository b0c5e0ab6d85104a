import type { Json, JsonObject } from '../../core/contract/index.ts';
import { isService } from '../cassandra/keys.ts';
import { type Stored, storedOf } from '../cassandra/row.ts';
import type { Line } from './changes-lines.ts';

const ID = /^[\x21-\x7e]{1,96}$/;
/** In UTF-8 bytes. A longer line is none that an agent has read. */
const LONGEST = 64 * 1024 * 1024;
const NEWLINE = 0x0a;

/** One line of JSON of an archive, with its newline. `body` is a text, so that the line is kept as it was written. */
export function textOf({ service, time, id, host, source, body }: Line): string {
  return `${JSON.stringify({ service, time, id, host, source, body })}\n`;
}

/** The inverse; `undefined` for a text that is no such line. */
export function readLine(text: string): Stored | undefined {
  const line = objectOf(text);
  if (!line) return undefined;
  const { service, time, id, host, source, body: json } = line;
  if (!isService(service) || !Number.isSafeInteger(time) || typeof id !== 'string' || !ID.test(id)) return undefined;
  if (typeof host !== 'string' || typeof source !== 'string' || typeof json !== 'string') return undefined;
  const body = objectOf(json);
  return body && storedOf({ id, time: time as number, json, body, source }, service, host);
}

function objectOf(text: string): JsonObject | undefined {
  try {
    const value = JSON.parse(text) as Json;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
  } catch {
    return undefined; // The caller counts it.
  }
}

/** The lines of a text that comes in pieces, without their newlines; an empty text stands for one that is too long. */
export async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  let pieces: Uint8Array[] = [];
  let length = 0;
  const keep = (piece: Uint8Array) => {
    length += piece.length;
    if (length <= LONGEST) pieces.push(piece);
    else pieces = [];
  };
  const line = () => {
    const text = Buffer.concat(pieces).toString('utf8');
    [pieces, length] = [[], 0];
    return text;
  };
  for await (const chunk of body) {
    let begin = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, begin)) {
      keep(chunk.subarray(begin, end));
      yield line();
      begin = end + 1;
    }
    keep(chunk.slice(begin));
  }
  if (length > 0) yield line();
}
