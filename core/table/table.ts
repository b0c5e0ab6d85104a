/** How a column's values are told in JSON, and what may be asked of it in SQL. */
export type ColumnKind = 'integer' | 'decimal' | 'real' | 'boolean' | 'text' | 'json' | 'time' | 'binary';

export interface Column {
  /** What rows of the answer call it. */
  readonly field: string;
  readonly column: string;
  readonly kind: ColumnKind;
  readonly nullable: boolean;
  /** The database fills it in when an insert leaves it out. */
  readonly defaulted: boolean;
  /** The database works it out: it is read, and never given. */
  readonly generated?: boolean;
  /** SQL compares its values in another way than they are told, so conditions on them are not for SQL. */
  readonly opaque?: boolean;
  /** How SQL takes a text so that an index of this column can be used, where `?` alone does not do: of another character set. */
  readonly placeholder?: string;
  /** Declared to hold numbers and texts alike. */
  readonly loose?: boolean;
  /** The most characters of a text. */
  readonly length?: number;
  /** Of a decimal: digits in all, and behind the point. Of an integer: the least and the greatest value. */
  readonly digits?: readonly [precision: number, scale: number];
  readonly range?: readonly [least: bigint, greatest: bigint];
  /** Of a time: digits behind the point of its seconds, 0 to 6; absent where it keeps all six. */
  readonly fraction?: number;
}

/** A table whose rows are entries. Known once its database was looked at. */
export interface Table {
  readonly name: string;
  /** In the order in which a row tells them. */
  readonly columns: readonly Column[];
  /** Unique, and for following: an integer that grows with each insert. */
  readonly key: Column;
  readonly time: Column;
  /** Columns that an index begins with. */
  readonly indexed: ReadonlySet<string>;
  /** Columns that together with the time say which observation a row is, for appending the same one twice. */
  readonly identity: readonly Column[];
}
