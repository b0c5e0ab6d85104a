/** The tables of a log store, all in one keyspace. */
export const LOGS = 'application_logs';
/** Where the lines of a request are. */
export const BY_REQUEST = 'application_logs_by_request';
/** Which services have lines in which hours, and when each writer last touched them. */
export const HOURS = 'log_hours';
/** What was written when: one row for each batch and hour. Followers read it. */
export const BATCHES = 'log_batches';
/** Lines by level and minute, counted from the lines themselves. */
export const COUNTS = 'log_counts';
/** Which versions of this schema were applied, and what was decided then. */
export const HISTORY = 'schema_history';

/** For how long followers may be away and still find everything, in seconds. */
export const BATCHES_KEPT = 7 * 86_400;

export interface TableColumn {
  readonly name: string;
  readonly type: string;
  /** Part of the key of the partition, of the order within it, or shared by the whole partition. */
  readonly part?: 'partition' | 'ascending' | 'descending' | 'static';
}

export interface TableShape {
  readonly name: string;
  /** For people who look at it with cqlsh. */
  readonly comment: string;
  readonly columns: readonly TableColumn[];
  /** Its rows expire with the lines; otherwise after so many seconds, or never. */
  readonly expires: 'lines' | number | 'never';
}

const partition = (name: string, type: string): TableColumn => ({ name, type, part: 'partition' });
const ascending = (name: string, type: string): TableColumn => ({ name, type, part: 'ascending' });
const descending = (name: string, type: string): TableColumn => ({ name, type, part: 'descending' });
const column = (name: string, type: string): TableColumn => ({ name, type });

/** Columns with the log's own fields, for people who ask with CQL; `body` has the line as it was written. */
export const LOG_FIELDS = [
  column('level', 'text'),
  column('logger', 'text'),
  column('message', 'text'),
  column('module', 'text'),
  column('function', 'text'),
  column('line', 'int'),
  column('process_id', 'bigint'),
  column('thread_id', 'bigint'),
  column('thread_name', 'text'),
  column('pathname', 'text'),
  column('request_id', 'text'),
  column('user_id', 'bigint'),
  column('session_id', 'text'),
] as const;

export const TABLES: readonly TableShape[] = [
  {
    name: LOGS,
    comment: 'Log lines; body is the line as it was written',
    columns: [
      partition('service', 'text'),
      partition('hour', 'timestamp'),
      partition('shard', 'smallint'),
      descending('time', 'bigint'),
      descending('id', 'text'),
      // The host of the agent that read the line, and what its source is called there.
      column('host', 'text'),
      column('source', 'text'),
      ...LOG_FIELDS,
      column('body', 'text'),
    ],
    expires: 'lines',
  },
  {
    name: BY_REQUEST,
    comment: 'Where the lines of a request are',
    columns: [partition('request_id', 'text'), descending('time', 'bigint'), descending('id', 'text'), column('service', 'text')],
    expires: 'lines',
  },
  {
    name: HOURS,
    comment: 'Which services have lines in which hours, and when a writer last touched them',
    columns: [
      partition('day', 'date'),
      descending('hour', 'timestamp'),
      ascending('service', 'text'),
      ascending('writer', 'text'),
      column('touched', 'timeuuid'),
      // True: some line has a list as its level or its service, and is found by reading all.
      column('lists', 'boolean'),
    ],
    expires: 'lines',
  },
  {
    name: BATCHES,
    comment: 'What was written when; followers read it',
    columns: [
      partition('minute', 'timestamp'),
      ascending('at', 'timeuuid'),
      column('service', 'text'),
      column('hour', 'timestamp'),
      column('shards', 'frozen<set<smallint>>'),
      column('oldest', 'bigint'),
      column('newest', 'bigint'),
      column('lines', 'int'),
      // The writer's clock before it wrote the first of these lines: what was written before then is no part of the batch.
      column('begun', 'timestamp'),
    ],
    expires: BATCHES_KEPT,
  },
  {
    name: COUNTS,
    comment: 'Lines by level and minute, counted from the lines themselves',
    columns: [
      partition('service', 'text'),
      partition('hour', 'timestamp'),
      ascending('minute', 'smallint'),
      ascending('level', 'text'),
      column('lines', 'bigint'),
      // Of the rows of log_hours that were there before the lines were counted.
      { name: 'touched', type: 'text', part: 'static' },
    ],
    expires: 'lines',
  },
  {
    name: HISTORY,
    comment: 'Versions of this schema, and what was decided when they were applied',
    columns: [
      partition('component', 'text'),
      ascending('version', 'int'),
      column('applied', 'timestamp'),
      column('applied_by', 'text'),
      column('settings', 'frozen<map<text, text>>'),
    ],
    expires: 'never',
  },
];
