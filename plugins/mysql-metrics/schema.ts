import { type Change, describe, RetryableError } from '../../core/contract/index.ts';
import { MappingError, type Table } from '../../core/table/index.ts';
import type { MysqlDatabase } from './database.ts';
import { quote } from './dialect.ts';
import { missingIndexes } from './indexes.ts';
import { inspect, type Mapping, tableOf } from './inspect.ts';

interface Step {
  readonly change: Change;
  readonly statement: string;
}

const INDEXED = ['created_at', 'phase_name', 'feature_id', 'cycle_id'] as const;
const MAX_NAME = 64;
/** Characters of four bytes: the limit of an index is 767 bytes in InnoDB's older formats. Longer texts are indexed by their beginning. */
const BEGINNING = 191;

/** Creates the table of DORA rows when it is missing, and the recommended indexes that are missing. Nothing is changed or dropped. */
export function applySchema(
  database: MysqlDatabase,
  mapping: Mapping,
  { dryRun }: { dryRun: boolean },
  signal: AbortSignal,
): Promise<readonly Change[]> {
  if (dryRun) return stepsFor(database, mapping, signal).then(changesOf);
  const done: Change[] = [];
  const applying = database.define(async (session) => {
    // Looked at under the lock, so that two of these do not make the same thing twice.
    for (const { change, statement } of await stepsFor(session, mapping, signal)) {
      await session.command(statement);
      done.push(change);
    }
    return done;
  }, signal);
  return applying.catch((error: unknown) => {
    if (done.length === 0) throw error;
    const before = done.map(({ what }) => what).join('; ');
    throw new RetryableError(`${signal.aborted ? 'it was broken off' : describe(error)}; done before that: ${before}`, { cause: error });
  });
}

function changesOf(steps: readonly Step[]): Change[] {
  return steps.map(({ change }) => change);
}

async function stepsFor(reader: Parameters<typeof inspect>[0], mapping: Mapping, signal: AbortSignal): Promise<Step[]> {
  const found = await inspect(reader, mapping, signal);
  if (!found) return creation(mapping);
  if (found.view) return [];
  const taken = found.indexes.map(({ name }) => name);
  return missingIndexes(found.table).map((column) => indexOn(mapping.table, column, taken, isLong(found.table, column)));
}

function creation(mapping: Mapping): Step[] {
  const named = (field: string) => mapping.columns?.[field] ?? field;
  const columns: readonly (readonly [name: string, definition: string])[] = [
    [mapping.id_column, 'BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY'],
    [named('cycle_id'), 'VARCHAR(50) NOT NULL'],
    [named('feature_id'), 'VARCHAR(50) NOT NULL'],
    [named('phase_name'), 'VARCHAR(50) NOT NULL'],
    [named('decision'), 'VARCHAR(20) NOT NULL'],
    [named('duration_seconds'), 'DECIMAL(10,2) NULL'],
    [named('metadata'), 'JSON NOT NULL DEFAULT (JSON_OBJECT())'],
    [mapping.time_column, 'DATETIME(6) NOT NULL'],
  ];
  checkCreation(
    mapping,
    columns.map(([name]) => name),
  );
  const list = columns.map(([name, definition]) => `${quote(name)} ${definition}`).join(', ');
  const table: Step = {
    change: { what: `create the table ${mapping.table}`, count: 1 },
    statement: `CREATE TABLE ${quote(mapping.table)} (${list}) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4`,
  };
  const indexed = INDEXED.map((field) => (field === 'created_at' ? mapping.time_column : named(field)));
  return [table, ...indexed.map((column) => indexOn(mapping.table, column, []))];
}

/** Nothing is made that the same configuration would then refuse. */
function checkCreation(mapping: Mapping, names: readonly string[]): void {
  const twice = names.find((name, index) => names.findIndex((other) => other.toLowerCase() === name.toLowerCase()) !== index);
  if (twice !== undefined) {
    throw new MappingError(
      `cannot create ${mapping.table}: two of its columns would be called ${twice}; id_column, time_column and columns must name different ones`,
    );
  }
  const described = names.map((column) => ({
    column,
    type: 'text',
    known: { column, kind: column === mapping.time_column ? ('time' as const) : ('text' as const), nullable: false, defaulted: false },
  }));
  try {
    tableOf(mapping, mapping.table, described, [{ name: 'PRIMARY', unique: true, columns: [mapping.id_column] }], false);
  } catch (error) {
    throw new MappingError(`cannot create ${mapping.table}, for with this configuration it would be refused: ${describe(error)}`);
  }
}

function isLong({ columns }: Table, column: string): boolean {
  return (columns.find((one) => one.column === column)?.length ?? 0) > BEGINNING;
}

/** A long text is indexed by its beginning, of which every engine and row format takes as much. */
function indexOn(table: string, column: string, taken: readonly string[], long = false): Step {
  const base = `idx_${column}`.slice(0, MAX_NAME - 3);
  let name = base;
  const isTaken = (wanted: string) => taken.some((one) => one.toLowerCase() === wanted.toLowerCase());
  for (let number = 2; isTaken(name); number++) name = `${base}_${number}`;
  return {
    change: { what: `add the index ${name} on ${column} to ${table}`, count: 1 },
    statement: `ALTER TABLE ${quote(table)} ADD INDEX ${quote(name)} (${quote(column)}${long ? `(${BEGINNING})` : ''})`,
  };
}
