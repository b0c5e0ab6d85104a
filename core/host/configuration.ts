import { access } from 'node:fs/promises';
import { loadSettings } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import { ConfigError } from '../contract/index.ts';
import { builtInNames, loadPlugin } from './registry.ts';

/** Where a configuration is looked for when none is named, in this order. */
export const CONFIG_PLACES = ['config/cauce.yaml', '/etc/cauce/cauce.yaml'] as const;

/** Reads and checks a configuration, its plugins' options included. Throws a ConfigError with everything that is wrong. */
export async function readConfiguration(file: string | undefined, env: NodeJS.ProcessEnv = process.env): Promise<Settings> {
  return loadSettings(file ?? (await findConfiguration()), { env, load: loadPlugin, known: builtInNames });
}

async function findConfiguration(): Promise<string> {
  for (const place of CONFIG_PLACES) {
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
