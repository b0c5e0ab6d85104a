import type { Draft, Plan, Point, Query, QueryFacet, Run } from '../contract/index.ts';
import { conditionSql } from './condition-sql.ts';
import type { Database, Dialect, Sql, SqlRow, SqlValue } from './database.ts';
import { rowReader } from './rows.ts';
import { leastKeyFrom } from './seek.ts';
import type { TableSource } from './source.ts';
import { ALWAYS, allOf, sql } from './sql.ts';
import type { Table } from './table.ts';
import { boundOf } from './value-sql.ts';

/** Rows of one statement when the query has no limit: a little more than a page of the API. It grows, so that a search through all rows needs few. */
const FIRST_PAGE = 1100;
const LARGEST_PAGE = 10_000;
/** Characters and bytes that a page holds at most, by estimate. */
const PAGE_LENGTH = 16 * 1024 * 1024;
const SAMPLE = 32;

type TableQuery = Pick<TableSource, 'database' | 'table' | 'source'>;

/**
 * Queries a table by pages, each a statement of its own that begins behind the last row, so that no result stays open. With an
 * integer key everything is done by the database in the order of the contract; with another one, rows of equal times
 * come in the key's own order, which is not that of ids.
 */
export function tableQuery({ database, table, source }: TableQuery): QueryFacet {
  return {
    plan({ where }): Plan {
      const known = table();
      const whole = known.key.kind === 'integer';
      return {
        where: where.map((condition) => conditionSql(database.dialect, known, condition)?.support ?? 'unsupported'),
        order: whole ? 'exact' : 'time',
        range: true,
        seeks: whole,
      };
    },
    run: (query, run) => pages(database, table(), source, query, run),
  };
}

async function* pages(database: Database, table: Table, source: string, query: Query, run: Run): AsyncIterable<readonly Draft[]> {
  const reader = rowReader(database.dialect, table, source);
  const page = pageSql(database.dialect, table, reader.select, query);
  let left = query.limit ?? Number.POSITIVE_INFINITY;
  let behind = query.after && table.key.kind === 'integer' ? seek(database.dialect, source, query, query.after) : undefined;
  for (let size = Math.min(left, FIRST_PAGE); left > 0; size = Math.min(size, left)) {
    const rows = await database.read(page(behind, size), run.signal);
    const drafts = rows.map(reader.toDraft).filter((draft) => draft !== undefined);
    const lost = rows.length - drafts.length;
    if (lost > 0) run.note('no-time', `${lost} rows of ${table.name} without a time or a key were left out`, lost);
    if (drafts.length > 0) yield drafts;
    const last = rows.at(-1);
    if (!last || rows.length < size) return;
    left -= drafts.length;
    size = Math.min(size * 2, LARGEST_PAGE, fitting(rows));
    behind = { time: reader.timeOf(last), op: query.order === 'newest' ? '<' : '>', key: reader.keyOf(last) };
  }
}

/** How many rows like these may be held at a time, by the length of some of them. */
function fitting(rows: readonly SqlRow[]): number {
  const some = rows.filter((_, index) => index % Math.ceil(rows.length / SAMPLE) === 0);
  const lengths = some.flatMap((row) => row.map((value) => (typeof value === 'string' || value instanceof Uint8Array ? value.length : 8)));
  const mean = lengths.reduce((sum, length) => sum + length, 0) / some.length;
  return Math.max(1, Math.floor(PAGE_LENGTH / mean));
}

/** Where to go on: what of the rows of that time is wanted; of later ones in the query's order, all. */
interface Behind {
  readonly time: SqlValue;
  readonly op: '<' | '>' | '>=';
  readonly key: SqlValue;
}

/** `undefined` when all that is asked for stands behind the point. */
function seek(dialect: Dialect, source: string, { from, to, order }: Query, { time, id }: Point): Behind | undefined {
  const newest = order === 'newest';
  if (newest ? time >= to : time < from) return undefined;
  const key = leastKeyFrom(source, newest ? id : `${id}\0`);
  return { time: dialect.timeValue(time), op: newest ? '<' : '>=', key: String(key) };
}

function pageSql(dialect: Dialect, table: Table, select: string, { from, to, where, order }: Query) {
  const [name, time, key] = [table.name, table.time.column, table.key.column].map((part) => dialect.quote(part)) as [
    string,
    string,
    string,
  ];
  const [beyond, direction] = order === 'newest' ? ['<', 'DESC'] : ['>', 'ASC'];
  const conditions = where.map((condition) => conditionSql(dialect, table, condition)?.sql ?? ALWAYS);
  const least = sql(`${time} >= ?`, dialect.timeValue(from));
  const greatest = sql(`${time} < ?`, dialect.timeValue(to));

  // One bound on each side, because an index begins at one of them only.
  const bounds = (behind: Behind | undefined): Sql[] => {
    if (!behind) return [least, greatest];
    const begin = sql(`${time} ${beyond}= ?`, behind.time);
    const rest = sql(`${time} ${beyond} ? OR ${key} ${behind.op} ${boundOf(table.key)}`, behind.time, behind.key);
    return order === 'newest' ? [least, begin, rest] : [begin, greatest, rest];
  };

  return (behind: Behind | undefined, size: number): Sql => {
    const { text, values } = allOf([...bounds(behind), ...conditions]);
    return { text: `SELECT ${select} FROM ${name} WHERE ${text} ORDER BY ${time} ${direction}, ${key} ${direction} LIMIT ${size}`, values };
  };
}
