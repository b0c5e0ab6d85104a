import type { createColors } from 'picocolors';
import type { Json, JsonObject } from '../contract/index.ts';

type Colours = ReturnType<typeof createColors>;

/** A line of the JSON log as one line for a person at a terminal. What could steer the terminal is shown, not obeyed. */
export function readable(line: string, colours: Colours): string {
  const { level, timestamp, process_id: _process, logger, message, ...fields } = JSON.parse(line) as JsonObject;
  const name = String(level);
  const rest = Object.entries(fields).map(([key, value]) => `${colours.dim(`${visible(key)}=`)}${shown(value)}`);
  const head = [
    colours.dim(String(timestamp).slice(11, 23)),
    colourOf(name, colours)(name.padEnd(8)),
    colours.cyan(visible(String(logger))),
  ];
  return `${[...head, visible(String(message)), ...rest].join(' ')}\n`;
}

function colourOf(level: string, { dim, green, yellow, red }: Colours): (text: string) => string {
  if (level === 'DEBUG') return dim;
  if (level === 'INFO') return green;
  return level === 'WARNING' ? yellow : red;
}

function shown(value: Json): string {
  const plain = typeof value === 'string' && /^[^\s"\p{C}]+$/u.test(value);
  return plain ? value : visible(JSON.stringify(value));
}

/** Control and format characters (those that reverse the direction of text, too) as escapes. */
function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`);
}
