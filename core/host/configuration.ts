import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadSettings } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import { ConfigError } from '../contract/index.ts';
import { builtInNames, loadPlugin } from './registry.ts';

/** Where a configuration is looked for when none is named, in this order; the default that this package brings is the last. */
export const CONFIG_PLACES = ['config/cauce.yaml', '/etc/cauce/cauce.yaml'] as const;

/**
 * Reads and checks a configuration, its plugins' options included. Throws a ConfigError with everything that is wrong.
 * `${CAUCE_HOME}` is the folder of this package, unless it is set.
 */
export async function readConfiguration(file: string | undefined, env: NodeJS.ProcessEnv = process.env): Promise<Settings> {
  const home = await packageRoot();
  const found = file ?? (await findConfiguration(home));
  return loadSettings(found, { env: { CAUCE_HOME: home, ...env }, load: loadPlugin, known: builtInNames });
}

async function findConfiguration(home: string): Promise<string> {
  for (const place of [...CONFIG_PLACES, join(home, CONFIG_PLACES[0])]) {
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

async function packageRoot(): Promise<string> {
  // Two folders above the sources, three above what is built from them.
  const near = fileURLToPath(new URL('../../', import.meta.url));
  const isRoot = await access(join(near, 'package.json')).then(
    () => true,
    () => false,
  );
  return isRoot ? near.replace(/\/$/, '') : fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
}
