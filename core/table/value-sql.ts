import type { ColumnTest, Comparison } from './condition-sql.ts';
import type { Sql, SqlValue } from './database.ts';
import { isJsonNumber, type PlainDecimal, plainDecimal } from './json-number.ts';
import { anyOf, NEVER, sql } from './sql.ts';
import type { Column } from './table.ts';

const LEAST = -(2n ** 63n);
const GREATEST = 2n ** 64n - 1n;
/** What the values are compared with, for the index of a column is of no use when it is the column that is converted. */
const WHOLE = 'CAST(? AS DECIMAL(20))';
const DECIMAL = 'CAST(? AS DECIMAL(65,30))';

/** One `?` that a key of the column is compared with, given as the database gave it or as text. */
export function boundOf({ kind }: Column): string {
  return kind === 'integer' ? WHOLE : kind === 'decimal' ? DECIMAL : '?';
}

/** The smallest step that tells two whole numbers apart lets every comparison be one with a whole number. */
export function integerTest(test: ColumnTest): Sql | undefined {
  return numberTest(test, WHOLE, (text) => {
    const decimal = plainDecimal(text);
    return decimal && whole(decimal, test.op);
  });
}

function whole({ negative, whole: digits, fraction }: PlainDecimal, op: Comparison): Operand {
  const towardsZero = BigInt(`${negative ? '-' : ''}${digits}`);
  if (fraction === '') return within(op, towardsZero);
  if (op === '=') return NEVER;
  const below = negative ? towardsZero - 1n : towardsZero;
  return op === '<' || op === '<=' ? within('<=', below) : within('>', below);
}

function within(op: Comparison, value: bigint): Operand {
  if (value >= LEAST && value <= GREATEST) return { op, value: String(value) };
  const holds = value > GREATEST ? op === '<' || op === '<=' : op === '>' || op === '>=';
  return holds ? 'any' : NEVER;
}

/** Decimals are compared as decimals. */
export function decimalTest(test: ColumnTest): Sql | undefined {
  return numberTest(test, DECIMAL, (text) => {
    const decimal = plainDecimal(text);
    if (!decimal) return undefined;
    const { negative, whole, fraction } = decimal;
    return { op: test.op, value: `${negative ? '-' : ''}${whole}${fraction && `.${fraction}`}` };
  });
}

export function realTest(test: ColumnTest): Sql | undefined {
  return numberTest(test, '?', (text) => (Number.isFinite(Number(text)) ? { op: test.op, value: Number(text) } : undefined));
}

/** What a column is compared with, and how; `any` number holds, or none. */
type Operand = { readonly op: Comparison; readonly value: SqlValue } | 'any' | typeof NEVER;

/** `undefined` when one of the numbers is beyond what the database compares. A text that is no number equals none. */
function numberTest({ name, op, texts }: ColumnTest, bound: string, operand: (text: string) => Operand | undefined): Sql | undefined {
  if (op === '^=' || op === '~=') return undefined;
  const tests = texts.filter(isJsonNumber).map((text) => {
    const found = operand(text);
    if (found === undefined || found === NEVER) return found as typeof NEVER | undefined;
    if (found === 'any') return sql(`${name} IS NOT NULL`);
    const { op, value } = found as Exclude<Operand, string | Sql>;
    return sql(`${name} ${op} ${bound}`, value);
  });
  return tests.every((test) => test !== undefined) ? anyOf(tests) : undefined;
}

export function booleanTest({ name, op, texts }: ColumnTest): Sql {
  const [text = ''] = texts;
  const holds = (word: string) => {
    if (op === '=') return texts.includes(word);
    return op === '^=' ? word.startsWith(text) : op === '~=' && word.includes(text);
  };
  return anyOf([holds('true') ? sql(`${name} <> 0`) : NEVER, holds('false') ? sql(`${name} = 0`) : NEVER]);
}

/** Bytes are told in base64. */
export function binaryTest({ name, op, texts }: ColumnTest): Sql | undefined {
  if (op !== '=') return undefined;
  const values = texts.map((text) => Buffer.from(text, 'base64')).filter((bytes, index) => bytes.toString('base64') === texts[index]);
  return anyOf(values.map((bytes) => sql(`${name} = ?`, bytes)));
}
