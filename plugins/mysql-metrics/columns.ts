import type { Column, ColumnKind, SqlRow } from '../../core/table/index.ts';

/** A column as `information_schema` has it. */
export interface Described {
  readonly column: string;
  /** `datetime`, `decimal` … */
  readonly type: string;
  /** Absent: of a type that is not told, such as a point. */
  readonly known?: Omit<Column, 'field'>;
}

/** The select list that {@link describeColumn} reads. */
export const COLUMN_FACTS =
  'COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT, EXTRA, CHARACTER_MAXIMUM_LENGTH, NUMERIC_PRECISION, NUMERIC_SCALE, CHARACTER_SET_NAME, COLLATION_NAME, DATETIME_PRECISION';

const KINDS: Readonly<Record<string, ColumnKind>> = {
  tinyint: 'integer',
  smallint: 'integer',
  mediumint: 'integer',
  int: 'integer',
  bigint: 'integer',
  year: 'integer',
  decimal: 'decimal',
  float: 'real',
  double: 'real',
  char: 'text',
  varchar: 'text',
  tinytext: 'text',
  text: 'text',
  mediumtext: 'text',
  longtext: 'text',
  enum: 'text',
  set: 'text',
  time: 'text',
  uuid: 'text',
  inet4: 'text',
  inet6: 'text',
  json: 'json',
  datetime: 'time',
  timestamp: 'time',
  date: 'time',
  bit: 'binary',
  binary: 'binary',
  varbinary: 'binary',
  tinyblob: 'binary',
  blob: 'binary',
  mediumblob: 'binary',
  longblob: 'binary',
};

/** Names that mysql2 reads no column by, for the objects that it makes of rows elsewhere. */
const REFUSED_NAMES = ['__proto__', '__defineGetter__', '__defineSetter__', '__lookupGetter__', '__lookupSetter__'];

const BITS: Readonly<Record<string, bigint>> = { tinyint: 8n, smallint: 16n, mediumint: 24n, int: 32n, bigint: 64n };

/** `checkedJson`: MariaDB's JSON is a LONGTEXT with a check that it is valid JSON. */
export function describeColumn(facts: SqlRow, checkedJson: ReadonlySet<string>): Described {
  const [column, type, whole, nullable, preset, extra, length, precision, scale, charset, collation, fraction] = facts.map((one) =>
    one === null ? null : String(one),
  );
  const name = column ?? '';
  const plain = (type ?? '').toLowerCase();
  const kind = kindOf(plain, (whole ?? '').toLowerCase(), checkedJson.has(name));
  if (kind === undefined) return { column: name, type: plain };
  if (REFUSED_NAMES.includes(name)) return { column: name, type: `${plain}, by a name that the driver refuses` };
  const generated = /(^|\s)(VIRTUAL|STORED|PERSISTENT) GENERATED/i.test(extra ?? '');
  const range = kind === 'integer' ? rangeOf(plain, /unsigned/i.test(whole ?? '')) : undefined;
  return {
    column: name,
    type: plain,
    known: {
      column: name,
      kind,
      nullable: nullable === 'YES',
      // MariaDB tells the default NULL of a nullable column by the text NULL.
      defaulted: generated || (preset !== null && preset !== 'NULL') || /auto_increment|default_generated/i.test(extra ?? ''),
      ...(generated && { generated }),
      ...(isOpaque(plain, kind) && { opaque: true }),
      ...(kind === 'text' && inCharset(charset, collation)),
      ...(kind === 'text' && length !== null && { length: Number(length) }),
      ...(kind === 'decimal' && { digits: [Number(precision), Number(scale)] as const }),
      ...(range && { range }),
      ...(kind === 'time' && fraction !== null && { fraction: Number(fraction) }),
    },
  };
}

function kindOf(type: string, whole: string, checkedJson: boolean): ColumnKind | undefined {
  if (/^(tinyint|bit)\(1\)/.test(whole)) return 'boolean';
  if (checkedJson && KINDS[type] === 'text') return 'json';
  return Object.hasOwn(KINDS, type) ? KINDS[type] : undefined;
}

/** A BIT is a number to SQL and bytes to whoever reads it; a YEAR takes 42 for 2042. */
function isOpaque(type: string, kind: ColumnKind): boolean {
  return (type === 'bit' && kind === 'binary') || type === 'year';
}

/** A text that has no place in the column's character set would be an error; converted, it is merely not there. */
function inCharset(charset: string | null | undefined, collation: string | null | undefined): { placeholder?: string } {
  if (!charset || !collation || charset === 'utf8mb4' || !/^\w+$/.test(charset + collation)) return {};
  return { placeholder: `CONVERT(? USING ${charset}) COLLATE ${collation}` };
}

function rangeOf(type: string, unsigned: boolean): readonly [bigint, bigint] | undefined {
  if (type === 'year') return [0n, 2155n];
  const bits = BITS[type];
  if (bits === undefined) return undefined;
  return unsigned ? [0n, 2n ** bits - 1n] : [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n];
}
