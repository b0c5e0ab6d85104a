/** A JSON value found in a text. */
export interface Found {
  readonly value: unknown;
  /** How many raw control characters inside its strings had to be escaped. */
  readonly repaired: number;
}
export interface Findings {
  /** In the order of the text; none lies within another. */
  readonly found: readonly Found[];
  /** Whether other text stands around them. */
  readonly surrounded: boolean;
  /** The search was given up: so much of the text looks like JSON and is none. */
  readonly gaveUp: boolean;
}

/** Deeper values are no health report; they would only exhaust the stack of whoever handles them. */
const DEEPEST = 64;
/** Characters looked at for one text, so that no output can keep the agent busy. */
const EFFORT = 8 * 1024 * 1024;
const BEGINNING = /[{[]/g;

/** Finds the JSON objects and lists in a text, also when other text stands before, between and behind them. */
export function findJson(text: string): Findings {
  const found: Found[] = [];
  let effort = EFFORT;
  let outside = '';
  let at = 0;
  while (effort > 0) {
    BEGINNING.lastIndex = at;
    const begin = BEGINNING.exec(text)?.index;
    if (begin === undefined) break;
    outside += text.slice(at, begin).trim().slice(0, 1);
    const end = endOf(text, begin, effort);
    effort -= Math.abs(end) - begin;
    const value = end > 0 ? parse(text.slice(begin, end)) : undefined;
    if (value) found.push(value);
    else outside += '{';
    at = value ? end : begin + 1;
  }
  outside += text.slice(at).trim().slice(0, 1);
  return { found, surrounded: outside !== '', gaveUp: effort <= 0 };
}

/** Behind the bracket that closes the one at `begin`; where looking ended, negative, when there is none. */
function endOf(text: string, begin: number, effort: number): number {
  const last = Math.min(text.length, begin + effort);
  let depth = 0;
  let quoted = false;
  for (let at = begin; at < last; at++) {
    const char = text.charCodeAt(at);
    if (quoted) {
      if (char === BACKSLASH) at++;
      else if (char === QUOTE) quoted = false;
    } else if (char === QUOTE) quoted = true;
    else if (char === OPEN_BRACE || char === OPEN_BRACKET) {
      if (++depth > DEEPEST) return -at;
    } else if ((char === CLOSE_BRACE || char === CLOSE_BRACKET) && --depth === 0) return at + 1;
  }
  return -last;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

function parse(text: string): Found | undefined {
  try {
    return { value: JSON.parse(text), repaired: 0 };
  } catch {
    // Not JSON as it stands; a raw newline in a string is a common slip of scripts that print it by hand.
  }
  const { repaired, text: mended } = escapeControls(text);
  if (repaired === 0) return undefined;
  try {
    return { value: JSON.parse(mended), repaired };
  } catch {
    return undefined;
  }
}

const STRING = /"[^"\\]*(?:\\[\s\S][^"\\]*)*"/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const CONTROL = /[\u0000-\u001f]/g;

/** Escapes control characters inside strings, and nothing else. */
function escapeControls(text: string): { text: string; repaired: number } {
  let repaired = 0;
  const mended = text.replace(STRING, (string) =>
    string.replace(CONTROL, (char) => {
      repaired++;
      return JSON.stringify(char).slice(1, -1);
    }),
  );
  return { text: mended, repaired };
}
