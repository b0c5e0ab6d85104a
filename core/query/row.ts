import { inspect } from 'node:util';
import { CauceError, type DataType, type Draft, type Entry, type JsonObject, type Micros } from '../contract/index.ts';
import { isId } from './point.ts';

/** A plugin gave something that the contract rules out. The message is for its author. */
export class BrokenRule extends CauceError {
  constructor(rule: string, got: unknown, options?: { cause?: unknown }) {
    super('ERR_CONTRACT', `the plugin breaks a rule of the contract: ${rule}; it gave ${excerpt(got)}`, options);
  }
}

function excerpt(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value.slice(0, 120)) : inspect(value, { depth: 1, breakLength: Infinity });
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}

/**
 * A draft with its stamp. Reads `id`, `json` and `body` of the draft when they are first asked for, and once only, since
 * a source may compute them on demand.
 */
export class Row implements Entry {
  readonly type: DataType;
  readonly source: string;
  readonly time: Micros;
  readonly origin?: string;
  #draft: Draft;
  #id: string | undefined;
  #json: string | undefined;
  #body: JsonObject | undefined;
  #lean = false;

  constructor(type: DataType, source: string, draft: Draft) {
    if (typeof draft !== 'object' || draft === null) throw new BrokenRule('entries are objects {id, time, json}', draft);
    if (!Number.isSafeInteger(draft.time)) throw new BrokenRule('time is a whole number of microseconds since 1970', draft.time);
    this.type = type;
    this.source = source;
    this.time = draft.time;
    if (draft.origin !== undefined) this.origin = draft.origin;
    this.#draft = draft;
  }

  get id(): string {
    if (this.#id === undefined) {
      const { id } = this.#draft;
      if (!isId(id)) throw new BrokenRule('id is 1 to 96 characters of printable ASCII without spaces', id);
      this.#id = id;
    }
    return this.#id;
  }

  get json(): string {
    if (this.#json === undefined) {
      const { json, sound } = this.#draft;
      if (!sound && (typeof json !== 'string' || json.includes('\n') || json.includes('\r'))) {
        throw new BrokenRule('json is one JSON object on one line', json);
      }
      this.#json = json;
    }
    return this.#json;
  }

  get body(): JsonObject {
    const body = this.#body ?? this.#draft.body ?? parseObject(this.json);
    if (!this.#lean) this.#body = body;
    return body;
  }

  /** Throws what is wrong with the entry, so that afterwards every member of it can be handed out. */
  check(): this {
    if (this.#draft.sound) return this;
    const { id, json, body } = this;
    if (typeof body !== 'object' || Array.isArray(body)) throw new BrokenRule(`body is the object of json (id ${id})`, body);
    const text = json.trim();
    if (!text.startsWith('{') || !text.endsWith('}')) throw new BrokenRule(`json is one JSON object (id ${id})`, json);
    return this;
  }

  /** {@link check}, by parsing the JSON whether or not a body was given; the answer holds no reference to the draft. */
  checkParsed(): Draft {
    const { id, time, json, origin } = this.check();
    parseObject(json);
    return { id, time, json, ...(origin !== undefined && { origin }) };
  }

  /** Lets go of what can be had again from the JSON, for rows that are kept for long. */
  slim(): void {
    const { id, time, json } = this;
    this.#draft = { id, time, json };
    this.#body = undefined;
    this.#lean = true;
  }
}

function parseObject(json: string): JsonObject {
  let body: unknown;
  try {
    body = JSON.parse(json);
  } catch (cause) {
    throw new BrokenRule('json is one JSON object on one line', json, { cause });
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new BrokenRule('json is a JSON object', json);
  return body as JsonObject;
}
