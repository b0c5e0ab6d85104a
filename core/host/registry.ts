import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createJiti } from 'jiti';
import * as contract from '../contract/index.ts';
import { CauceError, type Definition, describe, nearest } from '../contract/index.ts';
import * as table from '../table/index.ts';
import { withDeadline } from './deadline.ts';
import { within } from './trace.ts';

type Module = { default: Definition };

const LOAD_DEADLINE_MS = 10_000;

/** The only place where the core names plugins. Each is loaded when a configuration uses it. */
const BUILT_IN: Readonly<Record<string, () => Promise<Module>>> = {
  'json-logs': () => import('../../plugins/json-logs/index.ts') as Promise<Module>,
  'health-script': () => import('../../plugins/health-script/index.ts') as Promise<Module>,
  'mysql-metrics': () => import('../../plugins/mysql-metrics/index.ts') as Promise<Module>,
  'sqlite-metrics': () => import('../../plugins/sqlite-metrics/index.ts') as Promise<Module>,
  'cassandra-logs': () => import('../../plugins/cassandra-logs/index.ts') as Promise<Module>,
  'cassandra-writer': () => import('../../plugins/cassandra-writer/index.ts') as Promise<Module>,
  'http-query-api': () => import('../../plugins/http-query-api/index.ts') as Promise<Module>,
  'websocket-stream': () => import('../../plugins/websocket-stream/index.ts') as Promise<Module>,
};

export const builtInNames: readonly string[] = Object.keys(BUILT_IN);

export async function builtIns(): Promise<Definition[]> {
  return Promise.all(Object.values(BUILT_IN).map(async (load) => (await load()).default));
}

/**
 * Loads what `use` names: a built-in plugin, `./path` or `/path` to a module or package (TypeScript or JavaScript), or an
 * installed package. A relative path counts from `baseDir`.
 */
export async function loadPlugin(use: string, kind: 'source' | 'sink', baseDir: string): Promise<Definition> {
  const builtIn = Object.hasOwn(BUILT_IN, use) ? BUILT_IN[use] : undefined;
  const definition = builtIn ? (await builtIn()).default : await loadForeign(use, baseDir);
  if (definition.kind !== kind) {
    throw new CauceError('ERR_PLUGIN', `${use} is a ${definition.kind}; configure it under ${definition.kind}s:`);
  }
  return definition;
}

async function loadForeign(use: string, baseDir: string): Promise<Definition> {
  const isPath = /^(\.{1,2}\/|\/)/.test(use);
  const target = isPath ? resolve(baseDir, use) : use;
  if (isPath && !(await exists(target))) throw new CauceError('ERR_PLUGIN', `there is no plugin at ${target}; check the path`);
  let module: unknown;
  try {
    // A plugin gets this very contract, so that it and the agent share one zod and one set of error classes.
    const jiti = createJiti(pathToFileURL(`${resolve(baseDir)}/`).href, {
      virtualModules: { 'cauce/plugin': contract, 'cauce/table': table },
      moduleCache: false,
      fsCache: false,
    });
    // What a module leaves behind as it is loaded is blamed on it by what the configuration calls it.
    await withDeadline(
      LOAD_DEADLINE_MS,
      `loading ${use}`,
      within(use, async () => {
        module = await jiti.import(target);
      }),
    );
  } catch (error) {
    const meant = isPath ? undefined : nearest(use, builtInNames);
    const hint = meant ? `did you mean ${meant}?` : isPath ? 'mend the module' : `install it with: npm install ${use}`;
    throw new CauceError('ERR_PLUGIN', `the plugin ${use} could not be loaded; ${hint} (${describe(error)})`, { cause: error });
  }
  return checked(use, module);
}

async function exists(path: string): Promise<boolean> {
  for (const suffix of ['', '.ts', '.js', '.mjs']) {
    if (
      await stat(path + suffix).then(
        () => true,
        () => false,
      )
    )
      return true;
  }
  return false;
}

function checked(use: string, module: unknown): Definition {
  const definition = (module as Partial<Module> | null)?.default as Partial<Definition> | undefined;
  const wrong = faultOf(definition);
  if (wrong) throw new CauceError('ERR_PLUGIN', `${use} is not a plugin: ${wrong}`);
  return definition as Definition;
}

function faultOf(definition: Partial<Definition> | undefined): string | undefined {
  if (typeof definition !== 'object' || definition === null || (definition.kind !== 'source' && definition.kind !== 'sink')) {
    return 'its default export must be the result of defineSource() or defineSink()';
  }
  if (definition.apiVersion !== 1) {
    return `it was made for version ${String(definition.apiVersion)} of the contract and this agent speaks 1; update the plugin or the agent`;
  }
  if (typeof definition.create !== 'function' || typeof definition.options?.safeParse !== 'function') {
    return 'its definition needs `create` and `options: z.strictObject({…})`';
  }
  const rest = definition.options._zod?.def.catchall;
  if (rest?._zod.def.type !== 'never') return 'its options must be a z.strictObject({…}), so that a misspelled key is noticed';
  return undefined;
}
