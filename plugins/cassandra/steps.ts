import type { Change, Log } from '../../core/contract/index.ts';
import { agreement, changeSchema, indexIsBuilt } from './change-schema.ts';
import { addColumn, createIndex, createKeyspace, createTable, type IndexShape } from './ddl.ts';
import { missingFrom, settingsOf } from './differences.ts';
import { DEFAULT_SHARDS, recordVersion, VERSION } from './history.ts';
import { type ClusterOptions, keepSeconds } from './options.ts';
import { type Found, shardsOf } from './read-schema.ts';
import { mapText, newReplication, warnOfReplication } from './replication.ts';
import type { Session } from './session.ts';

export interface Applying {
  readonly dryRun: boolean;
  /** Of this agent, for the history. */
  readonly host: string;
  readonly log: Log;
}

export interface Step {
  readonly change: Change;
  /** False: another agent did it in the meantime. */
  run(signal: AbortSignal): Promise<boolean>;
}

/** What turns what was found into what the options want, in the order in which it has to be done. */
export function stepsFor(session: Session, options: ClusterOptions, { host, log }: Applying, found: Found): Step[] {
  const { keyspace, shards } = options;
  const keep = keepSeconds(options);
  const { tables, columns, indexes } = missingFrom(found);
  const steps: Step[] = [];
  const plan = (what: string, run: Step['run']) => steps.push({ change: { what, count: 1 }, run });
  const alter = (what: string, query: string) => plan(what, (signal) => changeSchema(session, query, signal));

  if (found.replication) warnOfReplication(session, options, log, found.replication);
  else {
    const replication = newReplication(session, options);
    alter(`create the keyspace ${keyspace} with copies in ${mapText(replication)}`, createKeyspace(keyspace, replication));
  }
  for (const shape of tables) alter(`create the table ${keyspace}.${shape.name}`, createTable(keyspace, shape, keep));
  for (const { table, column } of columns)
    alter(`add the column ${column.name} to ${keyspace}.${table}`, addColumn(keyspace, table, column));
  for (const { table, name, is, wanted, statement } of settingsOf(found, keyspace, keep)) {
    alter(`set ${name} of ${keyspace}.${table} from ${is} to ${wanted}`, statement);
  }
  for (const index of indexes) {
    plan(`add the index ${index.name} on ${index.column} to ${keyspace}.${index.table}`, (signal) =>
      addIndex(session, keyspace, index, signal),
    );
  }
  if (shardsOf(keyspace, found.versions) === undefined) {
    const what = `record version ${VERSION} of the schema of ${keyspace}, with ${shards ?? DEFAULT_SHARDS} shards`;
    plan(what, async (signal) => {
      await agreement(session, signal);
      return recordVersion(session, keyspace, { shards, host }, signal);
    });
  }
  return steps;
}

async function addIndex(session: Session, keyspace: string, index: IndexShape, signal: AbortSignal): Promise<boolean> {
  const made = await changeSchema(session, createIndex(keyspace, index), signal);
  await indexIsBuilt(session, keyspace, index, signal);
  return made;
}
