import type { Argv } from 'yargs';
import { readConfiguration } from '../host/configuration.ts';
import { version } from '../host/package.ts';
import { runAgent } from '../host/run.ts';
import { createLog } from '../telemetry/log.ts';

export const run = {
  command: 'run',
  describe: 'Run the agent',
  builder: (yargs: Argv) =>
    yargs.options({ config: { type: 'string', alias: 'c', describe: 'the configuration file (config/cauce.yaml)' } }),
  handler: async (args: { config?: string | undefined }): Promise<void> => {
    const settings = await readConfiguration(args.config);
    const { level, file } = settings.agent.log;
    const log = createLog({ level, ...(file && { file }), console: process.stderr.isTTY ? 'pretty' : 'json' });
    const code = await runAgent(settings, log, version);
    await log.close();
    process.exit(code);
  },
};
