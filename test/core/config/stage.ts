import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSettings } from '../../../core/config/load.ts';
import type { Settings } from '../../../core/config/settings.ts';
import {
  ConfigError,
  type ConfigIssue,
  type Definition,
  defineSink,
  defineSource,
  duration,
  strings,
  z,
} from '../../../core/contract/index.ts';

const source = defineSource({
  name: 'files',
  summary: 'A source',
  apiVersion: 1,
  options: z.strictObject({
    paths: strings(),
    every: duration('60s'),
    count: z.number().int().optional(),
    loud: z.boolean().optional(),
    nested: z.strictObject({ window: z.number(), label: z.string().optional() }).optional(),
    mode: z.enum(['fast', 'safe']).optional(),
  }),
  create: () => ({ type: 'logs' }),
});
const sink = defineSink({
  name: 'out',
  summary: 'A sink',
  apiVersion: 1,
  options: z.strictObject({ listen: z.string().optional() }),
  create: () => ({}),
});

export const definitions: Readonly<Record<string, Definition>> = { files: source, out: sink };

/** Loads a text as if it were a file. */
export async function load(text: string, env: NodeJS.ProcessEnv = {}): Promise<Settings> {
  const folder = await mkdtemp(join(tmpdir(), 'cauce-config-'));
  const file = join(folder, 'cauce.yaml');
  await writeFile(file, text);
  try {
    return await loadSettings(file, {
      env,
      known: Object.keys(definitions),
      load: async (use) => {
        const found = Object.hasOwn(definitions, use) ? definitions[use] : undefined;
        if (!found) throw new Error(`no plugin ${use}; install it`);
        return found;
      },
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** What is wrong with a text; fails when nothing is, or when it is no ConfigError. */
export async function faults(text: string, env: NodeJS.ProcessEnv = {}): Promise<readonly ConfigIssue[]> {
  try {
    await load(text, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.issues;
    throw error;
  }
  throw new Error(`nothing was wrong with:\n${text}`);
}
