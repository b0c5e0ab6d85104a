import type { Argv } from 'yargs';
import { configSchema } from '../config/schema.ts';
import { builtIns } from '../host/registry.ts';
import { table } from './render.ts';

export const plugin = {
  command: 'plugin <action>',
  describe: 'List the plugins, or print the JSON Schema of the configuration',
  builder: (yargs: Argv) =>
    yargs
      .positional('action', { choices: ['list', 'schema'] as const, demandOption: true })
      .options({ json: { type: 'boolean', describe: 'the list as JSON' } }),
  handler: async (args: { action: 'list' | 'schema'; json?: boolean | undefined }): Promise<void> => {
    const definitions = await builtIns();
    if (args.action === 'schema') {
      console.log(JSON.stringify(configSchema(definitions), null, 2));
      return;
    }
    const list = definitions.map(({ kind, name, summary }) => ({ kind, name, summary }));
    if (args.json) console.log(JSON.stringify(list, null, 2));
    else
      console.log(
        table(
          ['kind', 'name', 'what it does'],
          list.map(({ kind, name, summary }) => [kind, name, summary]),
        ),
      );
  },
};
