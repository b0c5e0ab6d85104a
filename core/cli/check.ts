import type { Argv } from 'yargs';
import type { InstanceSettings, Settings } from '../config/settings.ts';
import { ConfigError, describe } from '../contract/index.ts';
import { readConfiguration } from '../host/configuration.ts';
import { type ProbeResult, probeAll } from '../host/probe.ts';
import { pc } from './colours.ts';
import { progress } from './progress.ts';
import { printable, table } from './render.ts';
import { nameUncaught } from './uncaught.ts';

export const check = {
  command: 'check',
  describe: 'Validate the configuration and probe every source and sink',
  builder: (yargs: Argv) =>
    yargs.options({
      config: { type: 'string', alias: 'c', describe: 'the configuration file' },
      json: { type: 'boolean', describe: 'the result as JSON' },
    }),
  handler: async (args: { config?: string | undefined; json?: boolean | undefined }): Promise<void> => {
    nameUncaught();
    let settings: Settings;
    try {
      settings = await readConfiguration(args.config);
    } catch (error) {
      if (args.json && error instanceof ConfigError)
        console.log(JSON.stringify({ ok: false, error: describe(error), issues: error.issues }, null, 2));
      throw error;
    }
    const done = progress('probing');
    const results = await probeAll(settings).finally(done);
    const ok = results.every((result) => result.ok);
    if (args.json) {
      console.log(
        JSON.stringify(
          {
            ok,
            config: settings.file,
            instances: results,
            disabled: settings.disabled.map(({ kind, name, use }) => ({ kind, name, use })),
          },
          null,
          2,
        ),
      );
    } else {
      console.log(table(['', 'name', 'plugin', 'found'], [...results.map(row), ...settings.disabled.map(disabledRow)]));
      console.log(ok ? pc.green(`${settings.file} is valid, and everything answers`) : pc.red('something does not answer; see above'));
    }
    if (!ok) process.exitCode = 1;
  },
};

function row({ ok, name, use, detail }: ProbeResult): string[] {
  return [ok ? pc.green('ok') : pc.red('fails'), name, use, printable(detail)];
}

function disabledRow({ name, use }: Pick<InstanceSettings, 'name' | 'use'>): string[] {
  return [pc.dim('off'), name, use, pc.dim('enabled: false')];
}
