import type { Json, JsonObject } from '../contract/index.ts';
import type { Path } from './document.ts';

const TOKEN = /\$\$\{|\$\{([^}]*)\}?/g;
const EXPRESSION = /^([A-Za-z_][A-Za-z0-9_]*)(?:(:-|:\+)(.*))?$/s;

export interface Interpolated {
  readonly value: Json;
  /** Values that are wholly one `${…}`: the environment knows text only, so these may stand for a number or a boolean. */
  readonly whole: readonly Path[];
  readonly problems: readonly { readonly path: Path; readonly message: string }[];
}

/**
 * Fills `${VAR}`, `${VAR:-default}` (also when empty) and `${VAR:+word}` into text values, never into keys; `$${` is a literal
 * `${`. This happens after parsing, so that a value can never change the structure.
 */
export function interpolate(value: Json, env: NodeJS.ProcessEnv, at: Path = []): Interpolated {
  const whole: Path[] = [];
  const problems: { path: Path; message: string }[] = [];

  function fill(text: string, path: Path): string {
    if (/^\$\{[^}]*\}$/.test(text)) whole.push(path);
    return text.replace(TOKEN, (token, expression: string | undefined) => {
      if (expression === undefined) return '${';
      const [, name, operator, word = ''] = (token.endsWith('}') && EXPRESSION.exec(expression)) || [];
      if (name === undefined) {
        problems.push({
          path,
          message: `${token} names no variable; write \${NAME}, \${NAME:-default} or \${NAME:+word}, and $\${ for a literal \${`,
        });
        return '';
      }
      const given = env[name];
      if (operator === ':+') return given ? word : '';
      if (operator === ':-') return given || word;
      if (given === undefined) problems.push({ path, message: `the variable ${name} is not set; set it, or write \${${name}:-default}` });
      return given ?? '';
    });
  }

  function walk(part: Json, path: Path): Json {
    if (typeof part === 'string') return part.includes('${') ? fill(part, path) : part;
    if (Array.isArray(part)) return part.map((item, index) => walk(item as Json, [...path, index]));
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(Object.entries(part as JsonObject).map(([key, item]) => [key, walk(item, [...path, key])]));
  }

  return { value: walk(value, at), whole, problems };
}

/** The number or boolean that a text spells, else the text. */
export function typed(text: string): Json {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?(0|[1-9]\d*)(\.\d+)?$/.test(text) ? Number(text) : text;
}
