import { CauceError } from '../contract/index.ts';
import { openConnection } from './connection.ts';
import { progress } from './progress.ts';
import { refusal } from './refusal.ts';

/**
 * Asks the agent that the arguments name for a path of the API, and prints the answer: with `--json` as it came, else by `print`.
 * Rejects with what the agent said when it refused.
 */
export async function ask<Answer>(args: Record<string, unknown>, path: string, print: (answer: Answer) => void): Promise<void> {
  const connection = await openConnection(args);
  try {
    const done = progress(`asking ${connection.what}`);
    const { status, text } = await connection.get(path).finally(done);
    if (status !== 200) throw new CauceError('ERR_QUERY', refusal(status, text));
    if (args['json']) process.stdout.write(`${text.trimEnd()}\n`);
    else print(JSON.parse(text) as Answer);
  } finally {
    await connection.close();
  }
}
