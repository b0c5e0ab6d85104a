import { type Appended, type Draft, type JsonObject, type Micros, now, PermanentError, type Source } from '../contract/index.ts';
import { type Database, RowRefused, type SqlRow, type SqlValue, type Transaction } from './database.ts';
import { type FittedBody, fitBody, type Invalid, type Times } from './fit-body.ts';
import type { GivenValue } from './given-value.ts';
import { notAdded } from './not-added.ts';
import { type RowReader, rowReader } from './rows.ts';
import type { TableSource } from './source.ts';
import type { Column, Table } from './table.ts';

/** Rows that one statement reads back. */
const PAGE = 500;
/** Rows of one time and identity that are looked at. */
const MOST_CANDIDATES = 1000;

type TableAppend = Pick<TableSource, 'database' | 'table' | 'source'>;

/**
 * Adds rows, all of them or none. A row of the same time and identity that says the same in every given field is `present`; one
 * that says something else is a `conflict`. In a table without identity columns every given field is identity, so nothing
 * conflicts. What is written is read back, so that a value which the database would change is `invalid`, and not changed.
 */
export function tableAppend({ database, table, source }: TableAppend): NonNullable<Source['append']> {
  let last = 0;
  const moment = () => {
    last = Math.max(last + 1, now());
    return last;
  };

  const tableOf = () => {
    try {
      return table();
    } catch (error) {
      throw notAdded(error);
    }
  };

  return async (bodies, signal, time) => {
    const known = tableOf();
    if (known.key.kind !== 'integer')
      throw new PermanentError(`rows cannot be added to ${known.name}: its key ${known.key.column} is no number that the database gives`);
    const times = timesFrom(time, moment);
    const coarse = time === undefined ? undefined : tooCoarse(known.time);
    const fitted = bodies.map((body: JsonObject) => {
      return coarse && !Object.hasOwn(body, known.time.field) ? coarse : fitBody(body, known, database.dialect, times);
    });
    if (fitted.some(isRefused)) return fitted.map((one) => (isRefused(one) ? one : { status: 'skipped' }));
    // Until then whatever was written is rolled back; beyond it, it may be committed.
    let complete = false;
    try {
      return await database.write(async (transaction) => {
        const results = await new Writing(database, known, source, transaction).all(fitted as FittedBody[]);
        complete = true;
        return results;
      }, signal);
    } catch (error) {
      if (error instanceof Refused) return bodies.map((_, index) => (index === error.index ? error.result : { status: 'skipped' }));
      throw complete || signal.aborted ? error : notAdded(error);
    }
  };
}

function timesFrom(time: Micros | undefined, moment: () => Micros): Times {
  let next = time;
  return { moment, given: () => (next === undefined ? undefined : next++) };
}

/** A time of the call names what it adds, so the column must keep all of it: many calls may come within a second. */
function tooCoarse({ field, fraction = 6 }: Column): Invalid | undefined {
  if (fraction >= 6) return undefined;
  const reason = `${field} keeps ${fraction} digits of a second, too few to tell one request from the next by; give ${field} itself`;
  return { status: 'invalid', reason, field };
}

function isRefused(one: FittedBody | Invalid): one is Invalid {
  return 'status' in one;
}

/** Rolls the transaction back. */
class Refused extends Error {
  readonly index: number;
  readonly result: Invalid;
  constructor(index: number, result: Invalid) {
    super(result.reason);
    this.index = index;
    this.result = result;
  }
}

/** One transaction. */
class Writing {
  readonly #quote: (name: string) => string;
  readonly #database: Database;
  readonly #table: Table;
  readonly #reader: RowReader;
  readonly #transaction: Transaction;

  constructor(database: Database, table: Table, source: string, transaction: Transaction) {
    this.#quote = (name) => database.dialect.quote(name);
    this.#database = database;
    this.#table = table;
    this.#reader = rowReader(database.dialect, table, source);
    this.#transaction = transaction;
  }

  async all(bodies: readonly FittedBody[]): Promise<Appended[]> {
    const found: (Appended | bigint)[] = [];
    for (const [index, body] of bodies.entries()) found.push((await this.#present(index, body)) ?? (await this.#insert(index, body)));
    const rows = await this.#readBack(found.filter((one) => typeof one === 'bigint'));
    return found.map((one, index) => (typeof one === 'bigint' ? this.#added(index, bodies[index] as FittedBody, rows.get(one)) : one));
  }

  async #present(index: number, { given, moment }: FittedBody): Promise<Appended | undefined> {
    if (moment) return undefined;
    const identity = this.#table.identity.length > 0 ? [this.#table.time, ...this.#table.identity] : given.map(({ column }) => column);
    const candidates = (await this.#candidates(identity, given)).filter((row) => this.#differing(row, given, identity) === undefined);
    const equal = candidates.find((row) => this.#differing(row, given) === undefined);
    if (equal) return { status: 'present', entry: this.#draftOf(equal) };
    const [other] = candidates;
    const differing = other && this.#differing(other, given);
    if (!other || !differing) return undefined;
    const { field } = differing.column;
    const names = identity.map((column) => column.field).join(', ');
    const reason = `a row of the same ${names} is there (${this.#shown(other, this.#table.key)}), and its ${field} is ${this.#shown(other, differing.column)}`;
    throw new Refused(index, { status: 'conflict', reason, field });
  }

  /** Compared here as far as an index may help and SQL means the same; the rest is compared by the caller. */
  async #candidates(identity: readonly Column[], given: readonly GivenValue[]): Promise<readonly SqlRow[]> {
    const { dialect } = this.#database;
    const tests = identity.flatMap((column) => {
      const { bound = column.defaulted ? undefined : null } = given.find((one) => one.column.column === column.column) ?? {};
      const name = this.#quote(column.column);
      if (bound === undefined) return [];
      if (bound === null) return [{ text: `${name} IS NULL`, values: [] }];
      if (column.kind === 'text') return [{ text: `${dialect.exact(name)} = ${dialect.exactValue}`, values: [bound] }];
      return column.kind === 'time' || column.kind === 'integer' ? [{ text: `${name} = ?`, values: [bound] }] : [];
    });
    const where = tests.map(({ text }) => text).join(' AND ');
    const key = this.#quote(this.#table.key.column);
    const text = `SELECT ${this.#reader.select} FROM ${this.#quote(this.#table.name)} WHERE ${where} ORDER BY ${key} LIMIT ${MOST_CANDIDATES}`;
    return this.#transaction.read({ text, values: tests.flatMap<SqlValue>(({ values }) => values) });
  }

  async #insert(index: number, { given, moment }: FittedBody): Promise<bigint> {
    const all = moment ? [...given, { column: this.#table.time, ...moment }] : given;
    const names = all.map(({ column }) => this.#quote(column.column)).join(', ');
    const text = `INSERT INTO ${this.#quote(this.#table.name)} (${names}) VALUES (${all.map(() => '?').join(', ')})`;
    try {
      return (await this.#transaction.run({ text, values: all.map(({ bound }) => bound) })).key;
    } catch (error) {
      if (!(error instanceof RowRefused)) throw error;
      throw new Refused(index, { status: error.duplicate ? 'conflict' : 'invalid', reason: error.message });
    }
  }

  async #readBack(keys: readonly bigint[]): Promise<ReadonlyMap<bigint, SqlRow>> {
    const rows = new Map<bigint, SqlRow>();
    for (let at = 0; at < keys.length; at += PAGE) {
      const some = keys.slice(at, at + PAGE);
      const where = `${this.#quote(this.#table.key.column)} IN (${some.map(() => '?').join(', ')})`;
      const text = `SELECT ${this.#reader.select} FROM ${this.#quote(this.#table.name)} WHERE ${where}`;
      for (const row of await this.#transaction.read({ text, values: some })) rows.set(BigInt(this.#reader.keyOf(row) as bigint), row);
    }
    return rows;
  }

  #added(index: number, { given }: FittedBody, row: SqlRow | undefined): Appended {
    if (!row) throw new Error(`a row that was just added to ${this.#table.name} cannot be found by its key`);
    const changed = this.#differing(row, given);
    if (!changed) return { status: 'added', entry: this.#draftOf(row) };
    const { field } = changed.column;
    const reason = `${field} would be stored as ${this.#shown(row, changed.column)}; give it as the column can keep it`;
    throw new Refused(index, { status: 'invalid', reason, field });
  }

  #differing(row: SqlRow, given: readonly GivenValue[], among?: readonly Column[]): GivenValue | undefined {
    const asked = among ? given.filter(({ column }) => among.some((one) => one.column === column.column)) : given;
    return asked.find(({ column, same }) => !same(this.#valueOf(row, column)));
  }

  /** The reader selects every column of the table, in its order. */
  #valueOf(row: SqlRow, { column }: Column): SqlValue {
    if (column === this.#table.time.column) return this.#reader.timeOf(row);
    return row[this.#table.columns.findIndex((one) => one.column === column)] ?? null;
  }

  #draftOf(row: SqlRow): Draft {
    const draft = this.#reader.toDraft(row);
    if (!draft) throw new Error(`a row of ${this.#table.name} has no time`);
    return draft;
  }

  #shown(row: SqlRow, { field }: Column): string {
    const told = JSON.stringify((JSON.parse(this.#draftOf(row).json) as JsonObject)[field]) ?? 'absent';
    return told.length > 60 ? `${told.slice(0, 60)}…` : told;
  }
}
