import type { Draft, Entry, Json, JsonObject, Micros } from '../../core/contract/index.ts';
import { isService } from './keys.ts';
import { LOG_FIELDS } from './tables.ts';

/** In UTF-8 bytes; a key of Cassandra has at most 65,535. */
const LONGEST_REQUEST = 1024;
/** Of one line; with more in its list, it is found by {@link ANY_REQUEST}. */
const MOST_REQUESTS = 256;
/** The key that leads to lines which may be of any request. */
export const ANY_REQUEST = '*';
/** What loggers write where there is no request: all lines with it would be in one partition. */
const NO_REQUEST = /^(?:[^\p{L}\p{N}]*|none|null|nil|nan|n\/a|na|unknown|undefined|default|empty|0+|0+(?:-0+)+)$/iu;

/** Of a column beside the body, in UTF-8 bytes: a longer text is in the body only. */
const LONGEST_FIELD = 32 * 1024;
/** Of a level, in UTF-8 bytes: longer ones are not in the index, which leaves out terms of more than 8 KiB in any case. */
export const LONGEST_LEVEL = 1024;

type FieldValue = string | number | undefined;

/** A line as it is stored. */
export interface Stored {
  readonly service: string;
  readonly time: Micros;
  /** The entry's own. */
  readonly id: string;
  /** Of the agent that read it. */
  readonly host: string;
  /** What its source is called there. */
  readonly source: string;
  /** Values of {@link LOG_FIELDS}, in their order; undefined where the line has none of that type, or a long one. */
  readonly fields: readonly FieldValue[];
  /** What `request_id` can be asked for by: the keys of `application_logs_by_request`, none twice. */
  readonly requests: readonly string[];
  /** Its level or its service is a list, so that neither the index nor the name of the partition tells of it; `log_hours` does. */
  readonly lists: boolean;
  /** The line as it was written. */
  readonly body: string;
}

/** `service` names the lines that do not say theirs; `host` is of this agent. */
export function storedOf(entry: Pick<Entry, 'id' | 'time' | 'json' | 'body' | 'origin' | 'source'>, service: string, host: string): Stored {
  const { body } = entry;
  return {
    service: isService(body['service']) ? body['service'] : service,
    time: entry.time,
    id: entry.id,
    host: entry.origin ?? host,
    source: entry.source,
    fields: fieldsOf(body),
    requests: requestsOf(body['request_id']),
    lists: Array.isArray(body['level']) || Array.isArray(body['service']),
    body: entry.json,
  };
}

function fieldsOf(body: JsonObject): readonly FieldValue[] {
  return LOG_FIELDS.map(({ name, type }) => {
    const value = body[name];
    if (type === 'text')
      return typeof value === 'string' && fits(value, name === 'level' ? LONGEST_LEVEL : LONGEST_FIELD) ? value : undefined;
    const greatest = type === 'int' ? 0x7fff_ffff : Number.MAX_SAFE_INTEGER;
    return Number.isInteger(value) && Math.abs(value as number) <= greatest ? (value as number) : undefined;
  });
}

function fits(text: string, bytes: number): boolean {
  return text.length * 3 <= bytes || Buffer.byteLength(text) <= bytes;
}

/** Texts and numbers, also as elements of a list; a number as the text of its value. */
function requestsOf(value: Json | undefined): string[] {
  if (Array.isArray(value) && value.length > MOST_REQUESTS) return [ANY_REQUEST];
  const texts = [value].flat().filter((one) => typeof one === 'string' || typeof one === 'number');
  return [...new Set(texts.map(String))].filter(isRequest);
}

/** Whether lines can be found by this `request_id`. */
export function isRequest(text: string): boolean {
  return !NO_REQUEST.test(text) && Buffer.byteLength(text) <= LONGEST_REQUEST;
}

/** What a query yields of a stored line; `host` is of this agent. */
export function draftOf(stored: Pick<Stored, 'id' | 'time' | 'host' | 'body'>, host: string): Draft {
  const { id, time, body: json } = stored;
  return { id, time, json, ...(stored.host !== host && { origin: stored.host }) };
}
