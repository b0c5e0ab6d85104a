import { isUtf8 } from 'node:buffer';
import { crc32 } from 'node:zlib';
import { type Draft, fromUnix, type JsonObject, type Micros, parseTimestamp } from '../../core/contract/index.ts';
import { hex } from './cursor.ts';

export interface Line {
  readonly time: Micros;
  readonly json: string;
  readonly body: JsonObject;
  /** Bytes were no UTF-8 and stand as U+FFFD. */
  readonly mended: boolean;
}

/** Parses `bytes.subarray(from, to)`; a text says why it is no log line. */
export function parseLine(bytes: Buffer, from: number, to: number, fields: readonly string[]): Line | string {
  const text = bytes.toString('utf8', from, to);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    return `not JSON: ${(error as SyntaxError).message}`;
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return 'not a JSON object';
  const time = timeOf(body as JsonObject, fields);
  if (time === undefined) return `no usable time in ${fields.join(', ')}`;
  const mended = text.includes('\ufffd') && !isUtf8(bytes.subarray(from, to));
  // Between tokens a carriage return is a blank like any other; inside a string JSON.parse has refused it.
  const json = text.includes('\r') ? text.replaceAll('\r', ' ') : text;
  return { time, json, body: body as JsonObject, mended };
}

function timeOf(body: JsonObject, fields: readonly string[]): Micros | undefined {
  for (const field of fields) {
    const value = body[field];
    const time = typeof value === 'string' ? parseTimestamp(value) : typeof value === 'number' ? fromUnix(value) : undefined;
    if (time !== undefined && Number.isSafeInteger(time)) return time;
  }
  return undefined;
}

/**
 * The id of a line: `lane.offset.crc32`. The offset is in base 36 with eight digits at least, so that lines of one time sort as
 * they stand in the file (up to 2.8 TB).
 */
function lineId(lane: string, at: number, json: string): string {
  return `${lane}.${at.toString(36).padStart(8, '0')}.${hex(crc32(json))}`;
}

/** A line of a lane. The id is computed when it is first asked for. */
export class LineDraft implements Draft {
  readonly time: Micros;
  readonly json: string;
  readonly body?: JsonObject;
  readonly #lane: string;
  readonly #at: number;
  #id: string | undefined;

  /** The parsed body is handed on only when `keepBody`; it takes several times the memory of the text. */
  constructor(lane: string, at: number, line: Line, keepBody = true) {
    this.#lane = lane;
    this.#at = at;
    this.time = line.time;
    this.json = line.json;
    if (keepBody) this.body = line.body;
  }

  get id(): string {
    this.#id ??= lineId(this.#lane, this.#at, this.json);
    return this.#id;
  }
}
