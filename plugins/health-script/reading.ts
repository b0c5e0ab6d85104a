import type { JsonObject } from '../../core/contract/index.ts';
import { type Status, statusOf, worst } from './status.ts';

/** What a script's output was understood to say. */
export interface Reading {
  readonly status: Status;
  readonly checks: ReadonlyMap<string, Status>;
  readonly messages: ReadonlyMap<string, string>;
  readonly perfdata?: JsonObject;
  /** What else it said. */
  readonly reported?: JsonObject;
  /** Anything about it that is not as it should be. */
  readonly notes: readonly string[];
}

const MAX_CHECKS = 500;
const MAX_NAME = 120;
const MAX_MESSAGE = 1000;
const MAX_WORDS_NAMED = 10;

/** At most `length` characters of a text. */
export function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

/**
 * The last lines of a text: at most `lines` of them, and of `characters` in all.
 */
export function lastLines(text: string, lines: number, characters: number): string[] {
  const short = text.length > characters ? `…${text.slice(1 - characters)}` : text;
  return short
    .split(/\r\n|\n|\r/)
    .filter((line) => line.trim() !== '')
    .slice(-lines);
}

/** Collects checks: names stay unique and short, unknown words are kept in a note, and what exceeds the bound is only counted. */
export class Checks {
  readonly statuses = new Map<string, Status>();
  readonly messages = new Map<string, string>();
  readonly #unknownWords: string[] = [];
  #unknown = 0;
  #left = 0;
  #worst: Status = 'ok';

  /** `said` is the script's own word; answers the name that the check is kept by, when it is kept. */
  add(name: string, said: unknown, message?: string): string | undefined {
    const status = this.understand(name, said);
    this.#worst = worst([this.#worst, status]);
    if (this.statuses.size >= MAX_CHECKS) {
      this.#left++;
      return undefined;
    }
    const wanted = cut(name, MAX_NAME);
    let unique = wanted;
    for (let n = 2; this.statuses.has(unique); n++) unique = `${wanted}#${n}`;
    this.statuses.set(unique, status);
    if (message) this.messages.set(unique, cut(message, MAX_MESSAGE));
    return unique;
  }

  /** The status that a word stands for; one that nobody knows is `unknown`, and noted. */
  understand(what: string, said: unknown): Status {
    const status = statusOf(said);
    if (status) return status;
    this.#unknown++;
    const word = said === undefined ? 'no status' : cut(JSON.stringify(said), 60);
    if (this.#unknown <= MAX_WORDS_NAMED) this.#unknownWords.push(`${cut(what, 60)}: ${word}`);
    return 'unknown';
  }

  /** Of all checks, also those that are not kept. */
  get worst(): Status {
    return this.#worst;
  }

  notes(): string[] {
    const more = this.#unknown > MAX_WORDS_NAMED ? `, and ${this.#unknown - MAX_WORDS_NAMED} more` : '';
    return [
      ...(this.#unknown > 0 ? [`no known status: ${this.#unknownWords.join(', ')}${more}`] : []),
      ...(this.#left > 0 ? [`${this.#left} checks beyond the first ${MAX_CHECKS} are not listed; they do count`] : []),
    ];
  }
}
