import { fromUnix, type Micros, parseTimestamp } from '../../core/contract/index.ts';

const QUOTE = 0x22;
const NEVER = Number.POSITIVE_INFINITY;
const NUMBER = /\d{1,17}(?:\.\d{1,9})?(?=[,}])/y;

interface Field {
  /** `{"timestamp":` — what a line begins with that leads with this field. */
  readonly opening: string;
  /** `"timestamp"` — wherever else it stands, the line has to be parsed. */
  readonly quoted: string;
  next: number;
}

/**
 * Finds the time of a line without parsing it, where that is certain: the line leads with a time field, no field that counts
 * as much or more stands in the rest of it, and no escape in it could spell one. If such a line is a log line at all, then this
 * is its time; whatever is uncertain is left to the parser.
 */
export class QuickTime {
  readonly #fields: Field[];
  #text = '';
  #escape = 0;
  #date = 0;
  #dateMicros = Number.NaN;
  /** Index behind the value that was read last. */
  #behind = 0;

  constructor(fields: readonly string[]) {
    this.#fields = fields.map((field) => ({ opening: `{${JSON.stringify(field)}:`, quoted: JSON.stringify(field), next: 0 }));
  }

  /** Takes the next piece of text: bytes read as Latin-1, so that indexes are those of the bytes. Ask for its lines in order. */
  load(text: string): void {
    this.#text = text;
    this.#escape = 0;
    for (const field of this.#fields) field.next = 0;
  }

  /** The time of the line at `[from, to)`; NaN when it has to be parsed. */
  at(from: number, to: number): Micros {
    const rank = this.#fields.findIndex((field) => this.#text.startsWith(field.opening, from));
    if (rank < 0) return Number.NaN;
    let index = from + (this.#fields[rank] as Field).opening.length;
    while (this.#text.charCodeAt(index) === 0x20) index++;
    const time = this.#text.charCodeAt(index) === QUOTE ? this.#iso(index + 1) : this.#unix(index);
    if (Number.isNaN(time) || this.#behind > to || this.#escapeWithin(this.#behind, to)) return Number.NaN;
    for (let i = 0; i <= rank; i++) {
      const field = this.#fields[i] as Field;
      if (field.next < this.#behind) field.next = this.#find(field.quoted, this.#behind);
      if (field.next < to) return Number.NaN;
    }
    return time;
  }

  /** Only `\u00` and a digit up to 7 spells an ASCII character. */
  #escapeWithin(from: number, to: number): boolean {
    while (this.#escape < from || (this.#escape < to && !this.#spellsAscii())) {
      this.#escape = this.#find('\\u00', Math.max(from, this.#escape + 1));
    }
    return this.#escape < to;
  }

  #spellsAscii(): boolean {
    return this.#text.charCodeAt(this.#escape + 4) < 0x38;
  }

  #find(what: string, from: number): number {
    const found = this.#text.indexOf(what, from);
    return found < 0 ? NEVER : found;
  }

  #digits(index: number, count: number): number {
    let value = 0;
    for (let i = index; i < index + count; i++) {
      const digit = this.#text.charCodeAt(i) - 0x30;
      if (!(digit >= 0 && digit <= 9)) return Number.NaN;
      value = value * 10 + digit;
    }
    return value;
  }

  /** `2025-11-07T02:00:00.000000Z"` with any number of fractional digits up to nine, or none. */
  #iso(index: number): Micros {
    const text = this.#text;
    const date = this.#digits(index, 4) * 10000 + this.#digits(index + 5, 2) * 100 + this.#digits(index + 8, 2);
    const hour = this.#digits(index + 11, 2);
    const minute = this.#digits(index + 14, 2);
    const second = this.#digits(index + 17, 2);
    const shaped =
      text[index + 4] === '-' &&
      text[index + 7] === '-' &&
      text[index + 10] === 'T' &&
      text[index + 13] === ':' &&
      text[index + 16] === ':';
    if (!shaped || !(hour <= 23 && minute <= 59 && second <= 59)) return Number.NaN;
    let at = index + 19;
    let micros = 0;
    if (text[at] === '.') {
      const first = ++at;
      for (let digit = this.#digits(at, 1); digit >= 0; digit = this.#digits(at, 1)) {
        if (at - first < 6) micros = micros * 10 + digit;
        at++;
      }
      const count = at - first;
      if (count < 1 || count > 9) return Number.NaN;
      for (let i = count; i < 6; i++) micros *= 10;
    }
    if (text[at] !== 'Z' || text.charCodeAt(at + 1) !== QUOTE) return Number.NaN;
    this.#behind = at + 2;
    const time = this.#midnight(date, index) + ((hour * 60 + minute) * 60 + second) * 1e6 + micros;
    return Number.isSafeInteger(time) ? time : Number.NaN;
  }

  #midnight(date: number, index: number): Micros {
    if (date !== this.#date) {
      this.#date = date;
      this.#dateMicros = parseTimestamp(this.#text.slice(index, index + 10)) ?? Number.NaN;
    }
    return this.#dateMicros;
  }

  #unix(index: number): Micros {
    NUMBER.lastIndex = index;
    const match = NUMBER.exec(this.#text);
    if (!match) return Number.NaN;
    this.#behind = index + match[0].length;
    return /^0\d/.test(match[0]) ? Number.NaN : (fromUnix(Number(match[0])) ?? Number.NaN);
  }
}
