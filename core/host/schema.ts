import type { InstanceSettings, Settings } from '../config/settings.ts';
import { CauceError, type Change, nearest, type Source, type SourceDefinition } from '../contract/index.ts';
import type { State } from '../state/state.ts';
import { withDeadline } from './deadline.ts';
import { SILENT, withScratchState } from './scratch-state.ts';
import { within } from './trace.ts';

/** Building an index over a large table takes a while. */
const DEADLINE_MS = 3_600_000;

/**
 * Makes what a source needs in its store, such as its table and indexes. The source is created and not started, as it may be
 * unable to start without them. Rejects with `ERR_USAGE` when there is no such source, or none with a schema.
 */
export function applySchema(
  settings: Settings,
  name: string,
  options: { dryRun: boolean },
  signal: AbortSignal,
): Promise<readonly Change[]> {
  return withScratchState(async (state) => {
    const sources = settings.instances.filter(({ kind }) => kind === 'source');
    const ended = new AbortController();
    const until = AbortSignal.any([signal, ended.signal]);
    const created = (instance: InstanceSettings) => create(instance, settings, state, until);
    try {
      const wanted = sources.find((instance) => instance.name === name);
      if (!wanted) throw new CauceError('ERR_USAGE', unknownSource(settings, sources, name));
      const source = created(wanted);
      const { schema } = source;
      if (!schema) throw new CauceError('ERR_USAGE', withoutSchema(wanted, sources, created));
      try {
        const applied = within(name, () => schema.apply(options, until));
        return await withDeadline(DEADLINE_MS, `applying the schema of ${name}`, applied, signal);
      } finally {
        await within(name, async () => source.stop?.());
      }
    } finally {
      ended.abort();
    }
  });
}

function create({ name, options, definition }: InstanceSettings, { agent }: Settings, state: State, signal: AbortSignal): Source {
  const context = { id: name, host: agent.host, options: definition.options.parse(options), log: SILENT, signal };
  return within(name, () => (definition as SourceDefinition).create({ ...context, state: state.keyValue(name) } as never));
}

function unknownSource({ file, disabled }: Settings, sources: readonly InstanceSettings[], name: string): string {
  if (disabled.some((one) => one.kind === 'source' && one.name === name))
    return `the source ${name} is disabled in ${file}; enable it first`;
  const names = sources.map((source) => source.name);
  const meant = nearest(name, names);
  return `there is no source ${JSON.stringify(name)} in ${file}${meant ? `; did you mean ${meant}?` : ''} (there are: ${names.join(', ') || 'none'})`;
}

function withoutSchema({ name, use }: InstanceSettings, sources: readonly InstanceSettings[], created: (one: InstanceSettings) => Source) {
  const able = sources.filter((source) => source.name !== name && created(source).schema).map((source) => source.name);
  const others = able.length > 0 ? `these do: ${able.join(', ')}` : 'no configured source does';
  return `the source ${name} (${use}) has no schema that could be applied; ${others}`;
}
