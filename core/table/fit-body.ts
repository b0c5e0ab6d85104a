import { type Appended, formatTime, type Json, type JsonObject, type Micros, nearest, now, parseTimestamp } from '../contract/index.ts';
import type { Dialect } from './database.ts';
import { type GivenValue, givenTime, givenValue, Misfit } from './given-value.ts';
import type { Column, Table } from './table.ts';

const DAY = 86_400_000_000;

export type Invalid = Extract<Appended, { readonly status: 'conflict' | 'invalid' }>;

/** A body that fits the table. */
export interface FittedBody {
  /** What was given, and the time when one was given with the call. */
  readonly given: readonly GivenValue[];
  /** The time of a new observation of now, when none was given at all. */
  readonly moment: Omit<GivenValue, 'column'> | undefined;
}

/** Gives bodies that have no time one: a moment of its own each. */
export interface Times {
  /** A time that counts as given. */
  given(): Micros | undefined;
  moment(): Micros;
}

/** Checks a body against the table; the first thing that does not fit is what is told. */
export function fitBody(body: JsonObject, table: Table, dialect: Dialect, times: Times): FittedBody | Invalid {
  try {
    const given = Object.entries(body).map(([field, value]) => fitField(field, value, table, dialect));
    checkComplete(body, table);
    if (Object.hasOwn(body, table.time.field)) return { given, moment: undefined };
    const pinned = times.given();
    if (pinned === undefined) return { given, moment: givenTime(times.moment(), dialect) };
    return { given: [...given, { column: table.time, ...givenTime(pinned, dialect) }], moment: undefined };
  } catch (error) {
    if (error instanceof FieldMisfit) return { status: 'invalid', reason: error.message, field: error.field };
    throw error;
  }
}

class FieldMisfit extends Error {
  readonly field: string;
  constructor(field: string, message: string) {
    super(message);
    this.field = field;
  }
}

function fitField(field: string, value: Json, table: Table, dialect: Dialect): GivenValue {
  const column = columnOf(field, table);
  try {
    if (column === table.time) checkTime(value);
    return givenValue(column, value, dialect);
  } catch (error) {
    if (error instanceof Misfit) throw new FieldMisfit(field, `${field} ${error.message}`);
    throw error;
  }
}

function columnOf(field: string, table: Table): Column {
  const column = table.columns.find((one) => one.field === field) ?? (field === table.time.field ? table.time : undefined);
  if (field === table.key.field) throw new FieldMisfit(field, `${field} is given by the database; leave it out`);
  if (column) return column.column === table.time.column ? table.time : column;
  const known = settable(table).map((one) => one.field);
  const meant = nearest(field, known);
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
  throw new FieldMisfit(field, `there is no field ${JSON.stringify(field.slice(0, 100))}${hint} (fields: ${known.join(', ')})`);
}

function settable({ columns, key }: Table): readonly Column[] {
  return columns.filter((column) => column.field !== key.field && !column.generated);
}

function checkTime(value: Json): void {
  if (value === null) throw new Misfit('must not be null; leave it out for now');
  const latest = now() + DAY;
  if (typeof value === 'string' && (parseTimestamp(value) ?? 0) > latest)
    throw new Misfit(`is more than a day in the future (${value}); it is ${formatTime(now())} here`);
}

function checkComplete(body: JsonObject, table: Table): void {
  const missing = settable(table).find(
    (column) => !column.nullable && !column.defaulted && column.column !== table.time.column && !Object.hasOwn(body, column.field),
  );
  if (missing) throw new FieldMisfit(missing.field, `${missing.field} is missing`);
}
