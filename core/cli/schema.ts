import type { Argv } from 'yargs';
import { readConfiguration } from '../host/configuration.ts';
import { applySchema } from '../host/schema.ts';
import { printChanges } from './changes.ts';
import { pc } from './colours.ts';
import { interruptible } from './interrupt.ts';
import { progress } from './progress.ts';
import { nameUncaught } from './uncaught.ts';

export const schema = {
  command: 'schema <action>',
  describe: 'Create what a source needs in its store: its table and indexes',
  builder: (yargs: Argv) =>
    yargs.positional('action', { choices: ['apply'] as const, demandOption: true }).options({
      source: { type: 'string', demandOption: true, describe: 'the source, by its name in the configuration' },
      'dry-run': { type: 'boolean', default: false, describe: 'only say what would be done' },
      config: { type: 'string', alias: 'c', describe: 'the configuration file' },
      json: { type: 'boolean', describe: 'the changes as JSON' },
    }),
  handler: async (args: Record<string, unknown>): Promise<void> => {
    nameUncaught();
    const source = String(args['source']);
    const dryRun = args['dry-run'] === true;
    const settings = await readConfiguration(args['config'] as string | undefined);
    const done = progress(`${dryRun ? 'looking at' : 'applying'} the schema of ${source}`);
    const changes = await applySchema(settings, source, { dryRun }, interruptible()).finally(done);
    if (args['json']) {
      console.log(JSON.stringify({ source, dry_run: dryRun, changes }, null, 2));
      return;
    }
    if (changes.length === 0) console.log(pc.green(`${source} has all that it needs; nothing to do`));
    else printChanges(changes, dryRun);
    if (dryRun && changes.length > 0) console.log(pc.dim('[DRY RUN] nothing was changed'));
  },
};
