import { readFile } from 'node:fs/promises';
import { type Definition, describe } from '../contract/index.ts';
import { agentOptions, agentSettings } from './agent.ts';
import { unknownKey } from './explain.ts';
import { Findings } from './findings.ts';
import { declared, type Kind, type Reading, rawUse, readInstance } from './instances.ts';
import type { Settings } from './settings.ts';
import { type Mapping, parseTree } from './tree.ts';
import { validate } from './validate.ts';

export { formatIssues } from './findings.ts';

export interface LoadOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Rejects with an Error whose message says what to do. Relative paths count from `baseDir`. */
  load(use: string, kind: Kind, baseDir: string): Promise<Definition>;
  /** Names of built-in plugins, for suggestions. */
  readonly known: readonly string[];
}

const SECTIONS = ['agent', 'sources', 'sinks'];

/**
 * Reads a configuration and checks it whole, the options of its plugins included.
 * Throws a ConfigError that carries everything that is wrong, sorted by line; a value from a variable is never in it.
 */
export async function loadSettings(file: string, options: LoadOptions): Promise<Settings> {
  const findings = new Findings(file);
  const text = await readText(file, findings);
  const root = readRoot(text, findings);
  const { env, known } = options;
  const reading: Reading = { root, env, findings, known, load: onceEach(options) };
  const agent = readAgent(reading);
  const all = declared(reading);
  const instances = await Promise.all(
    all.filter(({ enabled }) => enabled === true).map((instance) => readInstance(instance, all, reading)),
  );
  findings.throwIfAny();
  if (!agent) throw new Error(`the settings of ${file} were refused without a reason`);
  return {
    file,
    agent,
    instances: instances.filter((instance) => instance !== undefined),
    disabled: all.filter(({ enabled }) => enabled === false).map((one) => ({ kind: one.kind, name: one.name, use: rawUse(one) })),
  };
}

async function readText(file: string, findings: Findings): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : describe(cause);
    findings.add([], undefined, `the configuration cannot be read: ${why}; name another with --config FILE`);
    findings.throwIfAny({ cause });
    throw cause;
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch (cause) {
    findings.add([], undefined, 'the configuration is not UTF-8 text; save it as UTF-8');
    findings.throwIfAny({ cause });
    throw cause;
  }
}

/** Throws when there is nothing that could be checked further. */
function readRoot(text: string, findings: Findings): Mapping {
  const tree = parseTree(text, (path, at, message) => findings.add(path, at, message));
  if (tree?.kind === 'map') {
    for (const [key, { key: at }] of tree.entries) {
      if (!SECTIONS.includes(key)) findings.add([key], at, unknownKey(key, [], '', SECTIONS).message);
    }
    return tree;
  }
  const start = { line: 1, column: 1 };
  if (tree?.kind === 'scalar' && tree.value === null)
    findings.add([], start, 'the configuration is empty; it needs  sources:  and  sinks:');
  else if (tree)
    findings.add([], tree.at, `expected a map with ${SECTIONS.join(', ')}, got ${tree.kind === 'list' ? 'a list' : 'a single value'}`);
  findings.throwIfAny();
  throw new Error('a configuration without a map was not complained about');
}

function readAgent({ root, env, findings }: Reading) {
  const given = root.entries.get('agent')?.value;
  const empty: Mapping = { kind: 'map', at: root.at, entries: new Map() };
  const tree = !given || (given.kind === 'scalar' && given.value === null) ? empty : given;
  const valid = validate({ schema: agentOptions, tree, base: ['agent'], root, env, findings });
  return valid && agentSettings(valid.output);
}

/** Instances of one plugin share its definition. */
function onceEach({ load }: LoadOptions): Reading['load'] {
  const loading = new Map<string, Promise<Definition>>();
  return (use, kind) => {
    const key = `${kind} ${use}`;
    const known = loading.get(key) ?? load(use, kind, process.cwd());
    loading.set(key, known);
    return known;
  };
}
