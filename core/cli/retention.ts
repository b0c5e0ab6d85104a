import type { Argv } from 'yargs';
import { CauceError, type RetentionResult, type RetentionRun } from '../contract/index.ts';
import { ask } from './ask.ts';
import { printChanges } from './changes.ts';
import { pc } from './colours.ts';
import { interruptible } from './interrupt.ts';
import { progress } from './progress.ts';
import { printable, table } from './render.ts';
import { addTargetOptions } from './selection.ts';
import { openVisit } from './visit.ts';

/** As the API answers it. */
interface Report {
  readonly schedule: string | null;
  readonly next: string | null;
  readonly policies: readonly { readonly source: string; readonly type: string; readonly policy: string }[];
  readonly last: (Omit<RetentionRun, 'time'> & { readonly time: string }) | null;
}

export const retention = {
  command: 'retention <action>',
  describe: 'How long data is kept: apply the policies now, or show them',
  builder: (yargs: Argv) =>
    addTargetOptions(yargs)
      .positional('action', { choices: ['apply', 'show'] as const, demandOption: true })
      .options({
        'dry-run': { type: 'boolean', default: false, describe: 'with apply: only say what would be done' },
        source: { type: 'string', array: true, nargs: 1, describe: 'with apply: only this source' },
        json: { type: 'boolean', describe: 'the result as JSON' },
      }),
  handler: async (args: Record<string, unknown>): Promise<void> => {
    if (args['action'] === 'show') {
      if (args['dry-run'] || args['source']) throw new CauceError('ERR_USAGE', '--dry-run and --source go with: cauce retention apply');
      return ask(args, '/api/data/retention', printReport);
    }
    if (args['url'])
      throw new CauceError('ERR_USAGE', 'retention is applied to the sources of a configuration; name it with --config FILE');
    return apply(args);
  },
};

async function apply(args: Record<string, unknown>): Promise<void> {
  const dryRun = args['dry-run'] === true;
  const sources = args['source'] as string[] | undefined;
  const done = progress(dryRun ? 'looking at what is kept' : 'applying the policies');
  const visit = await openVisit(args['config'] as string | undefined).catch((error: unknown) => {
    done();
    throw error;
  });
  try {
    const { retention } = visit.agent.services;
    const run = await retention.apply({ dryRun, ...(sources && { sources }) }, interruptible()).finally(done);
    if (args['json']) console.log(JSON.stringify({ ...run, time: new Date(run.time / 1000).toISOString() }, null, 2));
    else print(run);
    if (run.results.some(({ error }) => error !== undefined)) process.exitCode = 1;
  } finally {
    await visit.close();
  }
}

/** By data type, as the first system did: the policy, and what it does or would do. */
function print({ dry_run: dryRun, results }: RetentionRun): void {
  for (const type of new Set(results.map((result) => result.type))) {
    console.log(pc.bold(printable(type)));
    for (const result of results.filter((one) => one.type === type)) printResult(result, dryRun);
  }
  const changes = results.reduce((sum, result) => sum + result.changes.length, 0);
  const failed = results.filter(({ error }) => error !== undefined).length;
  if (failed > 0) console.log(pc.red(`${failed} of ${results.length} sources failed; see above`));
  if (dryRun) console.log(pc.dim('[DRY RUN] nothing was changed'));
  else if (failed === 0) console.log(pc.green(changes > 0 ? 'applied' : 'applied; there was nothing to do'));
}

function printResult({ source, policy, changes, error }: RetentionResult, dryRun: boolean): void {
  console.log(`  ${source}: ${printable(policy)}`);
  printChanges(changes, dryRun, '    ');
  if (error !== undefined) console.log(`    ${pc.red(printable(error))}`);
  else if (changes.length === 0) console.log(pc.dim('    nothing to do'));
}

function printReport({ schedule, next, policies, last }: Report): void {
  const rows = policies.map(({ type, source, policy }) => [printable(type), source, printable(policy)]);
  console.log(table(['type', 'source', 'policy'], rows));
  console.log(schedule === null ? 'applied only by: cauce retention apply' : `applied at ${printable(schedule)}, next ${next ?? 'never'}`);
  if (!last) {
    console.log('last applied: never');
    return;
  }
  console.log(`last applied: ${last.time}`);
  for (const result of last.results.filter(({ changes, error }) => changes.length > 0 || error !== undefined)) printResult(result, false);
}
