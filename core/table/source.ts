import type { DataType, Log, Source } from '../contract/index.ts';
import { tableAppend } from './append.ts';
import type { Database } from './database.ts';
import { tableFields } from './fields.ts';
import { tableFollow } from './follow.ts';
import { tableQuery } from './query.ts';
import { tableRetention } from './retention.ts';
import { tableStats } from './stats.ts';
import type { Table } from './table.ts';
import { tableVolume } from './volume.ts';

export interface TableSource {
  /** The instance's name. */
  readonly source: string;
  readonly type: DataType;
  readonly label: string;
  readonly database: Database;
  /** Known after the start; throws what is wrong until then. */
  table(): Table;
  /** Milliseconds between two polls of a follower that find nothing. */
  readonly every: number;
  /** Milliseconds for which a row may be committed after rows that were begun later, and still is followed. */
  readonly late: number;
  /** Milliseconds that rows are kept; absent: for ever. */
  readonly keep?: number | undefined;
  /** Whether rows may be added. */
  readonly writable: boolean;
  readonly log: Log;
}

/** What every table can do as a source. Starting, probing and making the table are for the plugin to add. */
export function createTableSource(options: TableSource): Source {
  return {
    type: options.type,
    label: options.label,
    query: tableQuery(options),
    follow: tableFollow(options),
    stats: tableStats(options),
    fields: tableFields(options),
    volume: tableVolume(options),
    retention: tableRetention(options),
    ...(options.writable && { append: tableAppend(options) }),
  };
}
