import { readFile } from 'node:fs/promises';
import type { Argv } from 'yargs';
import { CauceError, describe } from '../contract/index.ts';
import { type Connection, openForWriting } from './connection.ts';
import { type Batch, batchesOf, rowOf } from './metrics-input.ts';
import { progress } from './progress.ts';
import { refusal } from './refusal.ts';
import { printable } from './render.ts';
import { addTargetOptions } from './selection.ts';

interface Added {
  readonly source: string;
  readonly count: number;
  readonly added: number;
  readonly present: number;
}

type Args = Record<string, unknown>;

const pairs = { type: 'string', array: true, nargs: 1 } as const;
const ROW_OPTIONS = {
  'cycle-id': { type: 'string', describe: 'the delivery that the phase is a part of' },
  'feature-id': { type: 'string', describe: 'the feature that is delivered' },
  phase: { type: 'string', describe: 'planning, development, testing, deployment, incident, recovery …' },
  decision: { type: 'string', describe: 'go, no-go, rollback, fixed, review …' },
  duration: { type: 'string', describe: 'seconds that it took, e.g. 12.5' },
  'created-at': { type: 'string', describe: 'when, e.g. 2025-11-07T02:00:00Z (now)' },
  metadata: { ...pairs, describe: 'key=text or key:=json, e.g. branch=main tests_passed:=12' },
  field: { ...pairs, describe: 'another field of the table, written likewise' },
} as const;

export const metrics = {
  command: 'metrics <action>',
  describe: 'Add metrics, such as the phases of a delivery',
  builder: (yargs: Argv) =>
    addTargetOptions(yargs)
      .positional('action', { choices: ['add'] as const, demandOption: true })
      .options(ROW_OPTIONS)
      .options({
        stdin: {
          type: 'boolean',
          describe: 'read rows from standard input instead, a JSON object a line',
          conflicts: Object.keys(ROW_OPTIONS),
        },
        source: { type: 'string', describe: 'the source to add to, when several can be added to' },
        'idempotency-key': { type: 'string', describe: 'a repetition with the same key adds nothing' },
        'token-file': { type: 'string', describe: "a file with the API's write_token (else CAUCE_TOKEN)" },
        json: { type: 'boolean', describe: 'what was added as JSON' },
      })
      .example('$0 metrics add --cycle-id 42 --feature-id login --phase deployment --decision go', 'a deployment went well'),
  handler: async (args: Args): Promise<void> => {
    const batches = args['stdin'] ? batchesOf(process.stdin) : single(rowOf(args));
    // Nothing is opened for nothing.
    const first = await batches.next();
    if (first.done) {
      console.error('there is nothing to add');
      return;
    }
    const token = await tokenOf(args['token-file'] as string | undefined);
    const connection = await openForWriting(args);
    const done = progress(`adding to ${connection.what}`);
    try {
      const total = await sendAll(connection, first.value, batches, { args, token });
      done();
      print(total, args['json'] === true, connection.what);
    } finally {
      done();
      await connection.close();
    }
  },
};

/** Where it was written is always told: for machines beside their JSON. */
function print(total: Added, json: boolean, what: string): void {
  const { source, count, added, present } = total;
  const there = present > 0 ? `; ${present} were there already` : '';
  const text = `added ${added} of ${count} to ${printable(source)}, by ${printable(what)}${there}`;
  if (!json) console.log(text);
  else {
    console.log(JSON.stringify(total));
    console.error(text);
  }
}

async function* single(row: string): AsyncGenerator<Batch> {
  yield { json: row, count: 1, lines: [] };
}

async function tokenOf(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return process.env['CAUCE_TOKEN']?.trim() || undefined;
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new CauceError('ERR_USAGE', `the token cannot be read: ${describe(error)}`, { cause: error });
  }
}

interface Sending {
  readonly args: Args;
  readonly token: string | undefined;
}

async function sendAll(connection: Connection, first: Batch, rest: AsyncGenerator<Batch>, sending: Sending): Promise<Added> {
  let total: Added = { source: '', count: 0, added: 0, present: 0 };
  let batch: Batch | undefined = first;
  try {
    for (let number = 1; batch; number++) {
      const { source, count, added, present }: Added = await send(connection, batch, number, sending);
      total = { source, count: total.count + count, added: total.added + added, present: total.present + present };
      const next: IteratorResult<Batch, void> = await rest.next();
      batch = next.value || undefined;
    }
    return total;
  } catch (error) {
    if (total.count === 0) throw error;
    throw new CauceError('ERR_ADD', `${describe(error)} (of the rows before, ${total.added} were added)`, { cause: error });
  }
}

async function send(connection: Connection, batch: Batch, number: number, { args, token }: Sending): Promise<Added> {
  const key = args['idempotency-key'] as string | undefined;
  const headers = {
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    // Each request has a key of its own.
    ...(key !== undefined && { 'idempotency-key': number === 1 ? key : `${key}/${number}` }),
  };
  const query = args['source'] === undefined ? '' : `?${new URLSearchParams({ source: String(args['source']) })}`;
  const { status, text } = await connection.post(`/api/data/metrics${query}`, batch.json, headers);
  if (status !== 201) throw new CauceError('ERR_ADD', `${placeOf(text, batch)}${refusal(status, text)}`);
  return JSON.parse(text) as Added;
}

/** The API names a row of the list by its place in it; a person knows it by its line. */
function placeOf(text: string, { lines }: Batch): string {
  const index = /"parameter":"\/(\d+)/.exec(text)?.[1];
  const line = index === undefined ? undefined : lines[Number(index)];
  return line === undefined ? '' : `line ${line}: `;
}
