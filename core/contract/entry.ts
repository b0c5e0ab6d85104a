/** Microseconds since the Unix epoch, UTC. A double holds them exactly until the year 2255. */
export type Micros = number;

/** What an entry describes. Third parties may add types of their own. */
export type DataType = 'metrics' | 'logs' | 'health' | (string & {});

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/**
 * What a source yields. `id` and `json` may be getters, so that work is done only for entries that are returned.
 */
export interface Draft {
  /** At most 96 bytes of printable ASCII without spaces. Equal ids mean the same observation, in every store. */
  readonly id: string;
  readonly time: Micros;
  /** One JSON object on one line, exactly as it should be answered. */
  readonly json: string;
  /** `JSON.parse(json)`, when the source has it at hand already. */
  readonly body?: JsonObject;
  /** The agent that first read it, when it was not this one. */
  readonly origin?: string;
  /** Its source made `id` and `json` so that they keep these rules whatever it read, and the core need not look again. */
  readonly sound?: true;
}

/** A draft, stamped by the core with where it came from. */
export interface Entry extends Draft {
  readonly type: DataType;
  readonly source: string;
  readonly body: JsonObject;
}
