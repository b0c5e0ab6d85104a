import type { ColumnTest } from './condition-sql.ts';
import type { Sql } from './database.ts';
import { isJsonNumber } from './json-number.ts';
import { ALWAYS, allOf, NEVER, sql } from './sql.ts';

const SURROGATE = /\p{Surrogate}/u;
/** From here on the order of code units is not that of code points. */
const BEYOND_ORDER = /[\ud800-\uffff]/;

/**
 * Tests of a text, exact whatever its collation. `=` and `^=` also say it in the collation's own way, which finds at least as
 * much and can use an index.
 */
export function textTest({ name, op, texts, dialect, placeholder = '?' }: ColumnTest): Sql | undefined {
  const { exact, exactValue } = dialect;
  const [text = ''] = texts;
  switch (op) {
    case '=':
      return equals({ name, op, texts, dialect, placeholder });
    case '^=':
      return SURROGATE.test(text) ? undefined : beginsWith(name, text, dialect, placeholder);
    case '~=':
      if (SURROGATE.test(text)) return undefined;
      return text === '' ? ALWAYS : sql(`INSTR(${exact(name)}, ${exactValue}) > 0`, text);
    default:
      if (isJsonNumber(text) || BEYOND_ORDER.test(text)) return undefined;
      return sql(`${exact(name)} ${op} ${exactValue}`, text);
  }
}

function equals({ name, texts, dialect: { exact, exactValue }, placeholder = '?' }: ColumnTest): Sql {
  // No database holds half a character.
  const wanted = texts.filter((text) => !SURROGATE.test(text));
  if (wanted.length === 0) return NEVER;
  const any = (value: string) => (wanted.length === 1 ? `= ${value}` : `IN (${wanted.map(() => value).join(', ')})`);
  return allOf([sql(`${name} ${any(placeholder)}`, ...wanted), sql(`${exact(name)} ${any(exactValue)}`, ...wanted)]);
}

function beginsWith(name: string, text: string, { exact, exactValue, rangeMissesIndex }: ColumnTest['dialect'], placeholder: string): Sql {
  if (text === '') return ALWAYS;
  const beyond = afterAll(text);
  const parts = [sql(`${exact(name)} >= ${exactValue}`, text)];
  if (beyond !== undefined) parts.push(sql(`${exact(name)} < ${exactValue}`, beyond));
  if (rangeMissesIndex) parts.unshift(sql(`${name} LIKE ${placeholder} ESCAPE '|'`, `${text.replace(/[|%_]/g, '|$&')}%`));
  return allOf(parts);
}

/** The least text behind all that begin with this one, by code point. */
function afterAll(text: string): string | undefined {
  const points = [...text].map((character) => character.codePointAt(0) as number);
  while (points.at(-1) === 0x10ffff) points.pop();
  const last = points.pop();
  if (last === undefined) return undefined;
  return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
}
