import type { Change } from '../../core/contract/index.ts';
import type { MysqlDatabase } from './database.ts';
import { quote } from './dialect.ts';
import { missingIndexes } from './indexes.ts';
import { inspect, type Mapping } from './inspect.ts';

interface Step {
  readonly change: Change;
  readonly statement: string;
}

const INDEXED = ['created_at', 'phase_name', 'feature_id', 'cycle_id'] as const;
const MAX_NAME = 64;

/** Creates the table of DORA rows when it is missing, and the recommended indexes that are missing. Nothing is changed or dropped. */
export function applySchema(
  database: MysqlDatabase,
  mapping: Mapping,
  { dryRun }: { dryRun: boolean },
  signal: AbortSignal,
): Promise<readonly Change[]> {
  if (dryRun) return stepsFor(database, mapping, signal).then(changesOf);
  return database.define(async (session) => {
    // Looked at under the lock, so that two of these do not make the same thing twice.
    const steps = await stepsFor(session, mapping, signal);
    for (const { statement } of steps) await session.command(statement);
    return changesOf(steps);
  }, signal);
}

function changesOf(steps: readonly Step[]): Change[] {
  return steps.map(({ change }) => change);
}

async function stepsFor(reader: Parameters<typeof inspect>[0], mapping: Mapping, signal: AbortSignal): Promise<Step[]> {
  const found = await inspect(reader, mapping, signal);
  if (!found) return creation(mapping);
  if (found.view) return [];
  const taken = found.indexes.map(({ name }) => name);
  return missingIndexes(found.table).map((column) => indexOn(mapping.table, column, taken));
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
  const list = columns.map(([name, definition]) => `${quote(name)} ${definition}`).join(', ');
  const table: Step = {
    change: { what: `create the table ${mapping.table}`, count: 1 },
    statement: `CREATE TABLE ${quote(mapping.table)} (${list}) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4`,
  };
  const indexed = INDEXED.map((field) => (field === 'created_at' ? mapping.time_column : named(field)));
  return [table, ...indexed.map((column) => indexOn(mapping.table, column, []))];
}

function indexOn(table: string, column: string, taken: readonly string[]): Step {
  const base = `idx_${column}`.slice(0, MAX_NAME - 3);
  let name = base;
  for (let number = 2; taken.includes(name); number++) name = `${base}_${number}`;
  return {
    change: { what: `add the index ${name} on ${column} to ${table}`, count: 1 },
    statement: `ALTER TABLE ${quote(table)} ADD INDEX ${quote(name)} (${quote(column)})`,
  };
}
