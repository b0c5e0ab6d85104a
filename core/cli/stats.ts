import type { Argv } from 'yargs';
import type { Json, JsonObject } from '../contract/index.ts';
import { ask } from './ask.ts';
import { pc } from './colours.ts';
import { printable, table } from './render.ts';
import { addTargetOptions, selectionOptions, toParameters } from './selection.ts';

interface Answer {
  readonly source: string;
  readonly by: readonly string[];
  readonly bucket?: string;
  readonly measures: readonly string[];
  readonly count: number;
  readonly data: readonly {
    readonly time?: string;
    readonly group: JsonObject;
    readonly count: number;
    readonly values: Readonly<Record<string, number | null>>;
  }[];
  readonly truncated: boolean;
  readonly note?: string;
}

export const stats = {
  command: 'stats <type>',
  describe: 'Count and measure entries by fields and time',
  builder: (yargs: Argv) =>
    addTargetOptions(yargs)
      .positional('type', { type: 'string', demandOption: true, describe: 'metrics, logs, health, or a type of a plugin' })
      .options(selectionOptions)
      .options({
        by: { type: 'string', array: true, nargs: 1, alias: 'b', describe: 'fields that make the groups, e.g. phase_name,decision' },
        measure: {
          type: 'string',
          array: true,
          nargs: 1,
          alias: 'm',
          describe: 'count, sum, avg, min, max or p95 of a field: "avg(duration_seconds)"',
        },
        bucket: { type: 'string', describe: 'by time as well, in steps such as 1h or 1d' },
        days: { type: 'string', describe: 'days back from now (7)' },
        from: { type: 'string', describe: 'earliest time: RFC 3339, Unix, or -2h' },
        to: { type: 'string', describe: 'latest time' },
        limit: { type: 'string', alias: 'n', describe: "most groups (the agent's default, 1000)" },
        json: { type: 'boolean', describe: 'the answer of the API as it is' },
      }),
  handler: async (args: Record<string, unknown>): Promise<void> => {
    const parameters = toParameters(args, ['bucket', 'days', 'from', 'to', 'limit']);
    for (const name of ['by', 'measure']) {
      for (const value of (args[name] as string[] | undefined) ?? []) parameters.append(name, value);
    }
    await ask(args, `/api/data/stats?${parameters}`, print);
  },
};

function print({ source, by, bucket, measures, count, data, truncated, note }: Answer): void {
  const most = Math.max(...data.map((row) => row.count));
  const head = [...(bucket === undefined ? [] : ['time']), ...by.map(printable), 'count', '', ...measures.map(printable)];
  const rows = data.map((row) => [
    ...(row.time === undefined ? [] : [row.time.slice(0, 19).replace('T', ' ')]),
    ...by.map((field) => cell(row.group[field])),
    String(row.count),
    pc.cyan(bar(row.count / most)),
    ...measures.map((name) => cell(rounded(row.values[name] ?? null))),
  ]);
  if (rows.length > 0) console.log(table(head, rows));
  console.error(pc.dim(`${count} ${count === 1 ? 'group' : 'groups'} from ${printable(source)}`));
  if (truncated) console.error(pc.dim('there are more groups: raise --limit, or add a condition'));
  if (note) console.error(pc.yellow(printable(note)));
}

const WIDTH = 20;
const PARTS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar in eighths of a character; whatever there is shows. */
function bar(share: number): string {
  const eighths = Math.max(1, Math.round(share * WIDTH * 8));
  return '█'.repeat(Math.floor(eighths / 8)) + PARTS[eighths % 8];
}

const WIDEST_CELL = 60;

function cell(value: Json | undefined): string {
  if (value === null || value === undefined) return pc.dim('null');
  const text = printable(String(value)).replace(/\n/g, '\\n');
  return text.length > WIDEST_CELL ? `${text.slice(0, WIDEST_CELL - 1)}…` : text;
}

/** Without the digits that binary fractions add at their end. */
function rounded(value: number | null): number | null {
  return value === null ? null : Number(value.toPrecision(15));
}
