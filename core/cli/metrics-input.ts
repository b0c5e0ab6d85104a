import { CauceError } from '../contract/index.ts';

const MOST_ROWS = 1000;
/** The API takes a MiB; the brackets and commas need a little of it. */
const MOST_BYTES = 1024 * 1024 - 2048;

/** Rows for one request, as the JSON text of a list. */
export interface Batch {
  readonly json: string;
  readonly count: number;
  /** The line that each row stood on, from 1 on. */
  readonly lines: readonly number[];
}

/** The options of `cauce metrics add` that name a field of `dora_metrics`. */
const FIELDS = {
  'cycle-id': 'cycle_id',
  'feature-id': 'feature_id',
  phase: 'phase_name',
  decision: 'decision',
  duration: 'duration_seconds',
  'created-at': 'created_at',
} as const;

/** The row that the options make, as JSON text. Digits stay as they were written. */
export function rowOf(args: Record<string, unknown>): string {
  const given = Object.entries(FIELDS).flatMap(([option, field]) =>
    args[option] === undefined ? [] : [pair(field, textOf(option, args[option]))],
  );
  const metadata = ((args['metadata'] as string[] | undefined) ?? []).map((text) => parsePair('--metadata', text));
  const fields = ((args['field'] as string[] | undefined) ?? []).map((text) => parsePair('--field', text));
  const nested: Pair[] = metadata.length > 0 ? [['metadata', objectOf(metadata)]] : [];
  return objectOf([...given, ...nested, ...fields]);
}

/** An option that is given twice comes as a list. */
function textOf(option: string, given: unknown): string {
  if (Array.isArray(given)) throw new CauceError('ERR_USAGE', `--${option} is given ${given.length} times; give it once`);
  if (given === '') throw new CauceError('ERR_USAGE', `--${option} is empty; give it a value, or leave it out`);
  return String(given);
}

/** A key, and the JSON text of its value. */
type Pair = readonly [key: string, json: string];

function pair(key: string, text: string): Pair {
  return [key, JSON.stringify(text)];
}

/** `key=text`, or `key:=json` for numbers, lists and the like. */
function parsePair(option: string, given: string): Pair {
  const [, key, colon, value = ''] = /^([^=]*?)(:?)=(.*)$/s.exec(given) ?? [];
  if (!key) throw new CauceError('ERR_USAGE', `${option} ${given}: write key=text, or key:=json such as tests_passed:=12`);
  if (!colon) return pair(key, value);
  try {
    JSON.parse(value);
  } catch (error) {
    throw new CauceError('ERR_USAGE', `${option} ${given}: what follows := is no JSON; a text needs no colon`, { cause: error });
  }
  return [key, value];
}

function objectOf(pairs: readonly Pair[]): string {
  const twice = pairs.find(([key], index) => pairs.findIndex(([other]) => other === key) !== index);
  if (twice) throw new CauceError('ERR_USAGE', `${twice[0]} is given twice`);
  return `{${pairs.map(([key, json]) => `${JSON.stringify(key)}:${json}`).join(',')}}`;
}

/** Reads NDJSON in batches that one request can carry. An empty line is none. */
export async function* batchesOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<Batch> {
  let rows: string[] = [];
  let lines: number[] = [];
  let bytes = 0;
  const flush = (): Batch => {
    const batch = { json: `[${rows.join(',')}]`, count: rows.length, lines };
    [rows, lines, bytes] = [[], [], 0];
    return batch;
  };
  for await (const { text, number } of linesOf(input)) {
    const size = Buffer.byteLength(text) + 1;
    if (rows.length === MOST_ROWS || (rows.length > 0 && bytes + size > MOST_BYTES)) yield flush();
    rows.push(checkLine(text, number));
    lines.push(number);
    bytes += size;
  }
  if (rows.length > 0) yield flush();
}

function checkLine(text: string, number: number): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CauceError('ERR_USAGE', `line ${number} is no JSON: ${(error as Error).message}`, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new CauceError('ERR_USAGE', `line ${number} is no JSON object`);
  return text;
}

async function* linesOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<{ readonly text: string; readonly number: number }> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let number = 0;
  let rest = '';
  for await (const chunk of input) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) {
      number++;
      if (part.trim() !== '') yield { text: checkLength(part.trim(), number), number };
    }
    checkLength(rest, number + 1);
  }
  const last = (rest + decoder.decode()).trim();
  if (last !== '') yield { text: checkLength(last, number + 1), number: number + 1 };
}

function checkLength(text: string, number: number): string {
  if (Buffer.byteLength(text) > MOST_BYTES) throw new CauceError('ERR_USAGE', `line ${number} is longer than ${MOST_BYTES} bytes`);
  return text;
}
