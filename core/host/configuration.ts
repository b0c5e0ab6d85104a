import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { loadSettings } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import { ConfigError } from '../contract/index.ts';
import { packageRoot } from './package.ts';
import { builtInNames, loadPlugin } from './registry.ts';

/** Where a configuration is looked for when none is named, in this order; the default that this package brings is the last. */
export const CONFIG_PLACES = ['config/cauce.yaml', '/etc/cauce/cauce.yaml'] as const;

/**
 * Reads and checks a configuration, its plugins' options included. Throws a ConfigError with everything that is wrong.
 * `${CAUCE_HOME}` is the folder of this package, unless it is set.
 */
export async function readConfiguration(file: string | undefined, env: NodeJS.ProcessEnv = process.env): Promise<Settings> {
  const found = file ?? (await findConfiguration());
  return loadSettings(found, { env: { CAUCE_HOME: packageRoot, ...env }, load: loadPlugin, known: builtInNames });
}

async function findConfiguration(): Promise<string> {
  for (const place of [...CONFIG_PLACES, join(packageRoot, CONFIG_PLACES[0])]) {
    if (
      await access(place).then(
        () => true,
        () => false,
      )
    )
      return place;
  }
  throw new ConfigError(`there is no configuration at ${CONFIG_PLACES.join(' or ')}; name one with --config FILE`);
}
