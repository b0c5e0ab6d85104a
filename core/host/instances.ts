import type { InstanceSettings } from '../config/settings.ts';
import {
  type Context,
  type Definition,
  type Draft,
  type InstanceInfo,
  type Log,
  PermanentError,
  type Services,
  type Sink,
  type SinkContext,
  type Source,
  type SourceContext,
} from '../contract/index.ts';
import type { Member } from '../query/member.ts';
import { Row } from '../query/row.ts';
import type { Journal, State } from '../state/state.ts';
import { grant } from './grants.ts';
import { journalRetention } from './journal-retention.ts';
import type { SharedServices } from './services.ts';
import { Supervisor } from './supervisor.ts';
import { tracedSource } from './traced.ts';

export interface Surroundings {
  readonly host: string;
  readonly state: State;
  readonly services: SharedServices;
  log(name: string): Log;
  changed(info: InstanceInfo): void;
  /** Sources journal what they receive; off for a short visit beside a running agent. */
  readonly receive: boolean;
}

const START_DEADLINE_MS = 10_000;
const STOP_DEADLINE_MS = 5_000;

export interface RunningSource {
  readonly settings: InstanceSettings;
  readonly supervisor: Supervisor<Source>;
  member(): Member;
}

export interface RunningSink {
  readonly settings: InstanceSettings;
  readonly supervisor: Supervisor<Sink>;
  sink(): Sink | undefined;
}

export function superviseSource(settings: InstanceSettings, around: Surroundings): RunningSource {
  const { name } = settings;
  const log = around.log(name);
  let created: Source | undefined;
  let running: Source | undefined;
  let journal: Journal | undefined;
  const supervisor = new Supervisor<Source>({
    ...common(settings, log),
    create(signal) {
      const context: SourceContext<unknown> = {
        ...contextOf(settings, around, log, signal),
        state: around.state.keyValue(`source:${name}`),
      };
      created = checkFacets(checkCreated((settings.definition as CreateSource).create(context)));
      if (created.receive) journal = around.state.journal(name);
      return created;
    },
    changed(info, instance) {
      running = instance && tracedSource(journal ? withJournal(instance, journal) : instance, name);
      around.changed(info);
    },
    async attend(instance, signal) {
      const { receive } = instance;
      if (!receive || !journal || !around.receive) return;
      const into = journal;
      await receive.call(instance, async (drafts) => into.append(drafts.map(checkDraft)), signal);
      if (!signal.aborted) throw new Error('its receive() ended although the agent goes on; it must run until its signal aborts');
    },
  });
  return {
    settings,
    supervisor,
    member: () => ({
      name,
      label: created?.label ?? name,
      mirror: created?.mirror ?? false,
      ...(created && { type: created.type }),
      ...(running ? { source: running } : { error: supervisor.info.error ?? `it is ${supervisor.info.state}` }),
    }),
  };
}

export function superviseSink(
  settings: InstanceSettings,
  around: Surroundings,
  attend: (sink: Sink, signal: AbortSignal) => Promise<void>,
): RunningSink {
  const log = around.log(settings.name);
  let running: Sink | undefined;
  const supervisor = new Supervisor<Sink>({
    ...common(settings, log),
    create(signal) {
      const definition = settings.definition as CreateSink;
      const failed = (error: unknown) => supervisor.fail(error);
      const context: SinkContext<unknown, keyof Services> = {
        ...contextOf(settings, around, log, signal),
        agent: grant({ ...around.services, state: around.state.keyValue(`sink:${settings.name}:own`) }, definition, settings.name, failed),
      };
      return checkCreated(definition.create(context));
    },
    changed(info, instance) {
      running = instance;
      around.changed(info);
    },
    attend,
  });
  return { settings, supervisor, sink: () => running };
}

/** A plugin in JavaScript may answer anything. */
function checkCreated<T>(created: T): T {
  const given: unknown = created;
  if (typeof given === 'object' && given !== null && !('then' in given)) return created;
  const what = given instanceof Promise ? 'a promise: it must not be async, and leave waiting to start()' : String(given);
  throw new PermanentError(`its create() must return an object of facets, and returned ${what}`);
}

function checkFacets(source: Source): Source {
  const { type, query, follow } = source;
  if (typeof type !== 'string') throw new PermanentError('its create() must return an object with a `type`, such as logs');
  if (query !== undefined && typeof query?.run !== 'function')
    throw new PermanentError('its `query` must be an object with run(query, run)');
  if (follow !== undefined && typeof follow?.open !== 'function')
    throw new PermanentError('its `follow` must be an object with open(request, signal)');
  return source;
}

/** What the journal holds stays there for long, so nothing enters it that no query could answer. */
function checkDraft(draft: Draft): Draft {
  return new Row('', '', draft).checkParsed();
}

type CreateSource = { create(context: SourceContext<unknown>): Source };
type CreateSink = { needs: readonly (keyof Services)[]; create(context: SinkContext<unknown, keyof Services>): Sink };

function common({ kind, name, use }: InstanceSettings, log: Log) {
  return { kind, name, use, log, startDeadline: START_DEADLINE_MS, stopDeadline: STOP_DEADLINE_MS };
}

/** Options are parsed anew for each instance, so that none can change what the next one gets. */
function contextOf(settings: InstanceSettings, around: Surroundings, log: Log, signal: AbortSignal): Context<unknown> {
  const options = (settings.definition as Definition).options.parse(settings.options);
  return { id: settings.name, host: around.host, options, log, signal };
}

function withJournal(source: Source, journal: Journal): Source {
  return Object.create(source, {
    query: { value: journal.query, enumerable: true },
    follow: { value: journal.follow, enumerable: true },
    retention: { value: journalRetention(journal, source), enumerable: true },
    volume: { value: () => journal.volume(), enumerable: true },
  }) as Source;
}
