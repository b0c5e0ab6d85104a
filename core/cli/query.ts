import type { Argv } from 'yargs';
import type { JsonObject } from '../contract/index.ts';
import { ask } from './ask.ts';
import { pc } from './colours.ts';
import { healthHistory, healthTable, logLine, printable, rowsTable } from './render.ts';
import { addTargetOptions, selectionOptions, toParameters } from './selection.ts';

interface Answer {
  readonly query_type: string;
  readonly source: string;
  readonly count: number;
  readonly data: JsonObject | readonly JsonObject[];
  readonly next_cursor?: string;
  readonly note?: string;
}

export const query = {
  command: 'query <type>',
  describe: 'Ask for metrics, logs or health, newest first',
  builder: (yargs: Argv) =>
    addTargetOptions(yargs)
      .positional('type', { type: 'string', demandOption: true, describe: 'metrics, logs, health, or a type of a plugin' })
      .options(selectionOptions)
      .options({
        days: { type: 'string', describe: 'days back from now (7)' },
        from: { type: 'string', describe: 'earliest time: RFC 3339, Unix, or -2h' },
        to: { type: 'string', describe: 'latest time' },
        limit: { type: 'string', alias: 'n', describe: "most rows (the agent's default, 1000)" },
        order: { choices: ['newest', 'oldest'] as const, describe: 'which come first (newest)' },
        cursor: { type: 'string', describe: 'the next page of the same query' },
        history: { type: 'boolean', describe: 'with health: what was recorded' },
        json: { type: 'boolean', describe: 'the answer of the API as it is' },
      }),
  handler: async (args: Record<string, unknown>): Promise<void> => {
    const parameters = toParameters(args, ['days', 'from', 'to', 'limit', 'order', 'cursor']);
    if (args['history']) parameters.set('history', '1');
    await ask(args, `/api/data/query?${parameters}`, print);
  },
};

function print(answer: Answer): void {
  const { data } = answer;
  // Logs are read like a terminal's own output: the newest at the bottom.
  if (!Array.isArray(data)) console.log(healthTable(data as JsonObject));
  else if (answer.query_type === 'logs') for (const row of [...data].reverse()) console.log(logLine(row));
  else if (data.length > 0) console.log(answer.query_type === 'health' ? healthHistory(data) : rowsTable(data));
  console.error(pc.dim(`${answer.count} ${answer.count === 1 ? 'row' : 'rows'} from ${printable(answer.source)}`));
  if (answer.note) console.error(pc.yellow(printable(answer.note)));
  if (answer.next_cursor) console.error(pc.dim(`there is more: --cursor ${answer.next_cursor}`));
}
