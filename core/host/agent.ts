import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Flow, flowOf } from '../catalog/lineage.ts';
import { difference } from '../config/difference.ts';
import type { InstanceSettings, Settings } from '../config/settings.ts';
import { describe, type InstanceInfo, type Sink } from '../contract/index.ts';
import { createDelivery } from '../feed/delivery.ts';
import { createListeners, type Listeners } from '../http/listeners.ts';
import type { Member } from '../query/member.ts';
import { openState, type State } from '../state/state.ts';
import { createEvents } from '../telemetry/events.ts';
import type { AgentLog } from '../telemetry/log.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { type RunningSink, type RunningSource, type Surroundings, superviseSink, superviseSource } from './instances.ts';
import { createRetention, type Retention } from './retention.ts';
import { type BuiltServices, buildServices, type SharedServices } from './services.ts';
import { tracedWrite } from './traced.ts';

export interface AgentOptions {
  readonly settings: Settings;
  readonly log: AgentLog;
  readonly version: string;
  /** A visit opens the sources for one question: it neither journals nor claims the state for itself. */
  readonly visit?: boolean;
  /** What the catalogue tells of sinks, when others are configured than run here. */
  readonly flows?: readonly Flow[];
}

/** Sinks do not wait longer than this for sources that are slow to start. */
const SOURCES_HEAD_START_MS = 3_000;
/** A supervisor gives up on a start before this. */
const LONGEST_ATTEMPT_MS = 60_000;
const DRAIN_DEADLINE_MS = 10_000;

/** The whole agent: sources, sinks, and what stands between them. */
export class Agent {
  readonly events = createEvents();
  readonly listeners: Listeners;
  readonly #options: AgentOptions;
  readonly #log: AgentLog;
  readonly #sources = new Map<string, RunningSource>();
  readonly #sinks = new Map<string, RunningSink>();
  readonly #deliveries = new Map<string, ReturnType<typeof createDelivery>>();
  readonly #stopping = new AbortController();
  readonly #state: State;
  readonly #built: BuiltServices;
  readonly #around: Surroundings;
  readonly #metrics: ReturnType<typeof createMetrics>;
  readonly #retention: Retention;
  #settings: Settings;
  /** Start, reloads and stop come one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  static async open(options: AgentOptions): Promise<Agent> {
    const { settings, log, visit = false } = options;
    const state = await openState(settings.agent.state, { log: log.child({ logger: 'cauce.state' }), exclusive: !visit });
    return new Agent(options, state);
  }

  private constructor(options: AgentOptions, state: State) {
    const { settings, log, version, visit = false } = options;
    this.#options = options;
    this.#settings = settings;
    this.#state = state;
    this.#log = log.child({ logger: 'cauce.host' });
    const childLog = (name: string) => log.child({ logger: `cauce.${name}` });
    this.listeners = createListeners(childLog('http'));
    this.#metrics = createMetrics(this.events, {
      instances: () => this.status(),
      sourceCircuits: () => this.#built.sourceCircuits(),
      retention: () => this.#retention.record(),
      version,
    });
    const members = () => this.#members();
    const configured = (name: string) => this.#settings.instances.find((instance) => instance.kind === 'source' && instance.name === name);
    this.#retention = createRetention({
      members,
      state: state.keyValue('agent:retention'),
      inTurn: (work, signal) => state.inTurn(work, signal),
      schedule: settings.agent.retention.schedule,
      log: childLog('retention'),
    });
    this.#built = buildServices({
      members,
      vocabulary: settings.agent.dora,
      retention: this.#retention.service,
      catalog: {
        owner: (name) => configured(name)?.owner ?? null,
        expects: (name) => configured(name)?.expects ?? {},
        flows: () => this.#flows(),
      },
      status: () => this.status(),
      metrics: () => this.#metrics.text(),
      listeners: this.listeners,
      events: this.events,
      deadline: settings.agent.query.deadline,
      log: childLog,
    });
    this.#around = {
      host: settings.agent.host,
      state,
      services: this.#built.services,
      receive: !visit,
      log: childLog,
      changed: (info) => this.#instanceChanged(info),
    };
  }

  get services(): SharedServices {
    return this.#built.services;
  }

  status(): InstanceInfo[] {
    const sinks = [...this.#sinks.values()].map(({ supervisor: { info } }) => {
      const delivery = this.#deliveries.get(info.name);
      return delivery ? { ...info, deliveries: delivery.status(), circuitOpen: delivery.circuitOpen } : info;
    });
    return [...[...this.#sources.values()].map(({ supervisor }) => supervisor.info), ...sinks];
  }

  /** Sources, then sinks. Resolves when each had its first attempt; what failed is tried again by its supervisor. */
  start(): Promise<void> {
    return this.#inTurn(async () => {
      const { instances, disabled } = this.#settings;
      for (const { kind, name, use } of disabled) this.#log.info('disabled by its configuration', { [kind]: name, use });
      await this.#startSources(ofKind(instances, 'source'));
      await this.#startSinks(ofKind(instances, 'sink'));
      if (this.#stopping.signal.aborted) return;
      if (!this.#options.visit) this.#retention.start();
      this.#log.info('started', { sources: this.#sources.size, sinks: this.#sinks.size, config: this.#settings.file });
    });
  }

  /** Applies a new configuration by its difference; instances that did not change are not touched. */
  reload(after: Settings): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#stopping.signal.aborted) return;
      const change = difference(this.#settings, after);
      // What is read once, such as the folder of the state, stays until the agent is started again.
      this.#settings = { ...after, agent: this.#settings.agent };
      await Promise.all(ofKind(change.removed, 'sink').map(({ name }) => this.#stopSink(name)));
      const sources = [...ofKind(change.removed, 'source'), ...ofKind(change.changed, 'source')];
      await Promise.all(sources.map(({ name }) => this.#stopSource(name)));
      await this.#startSources(ofKind([...change.added, ...change.changed], 'source'));
      await Promise.all(ofKind(change.changed, 'sink').map((settings) => this.#replaceSink(settings)));
      await this.#startSinks(ofKind(change.added, 'sink'));
      this.#built.feed.changed();
      if (change.agentChanged.length > 0) {
        this.#log.warn('these settings take effect when the agent is started again', { settings: change.agentChanged });
      }
      const names = (list: readonly InstanceSettings[]) => list.map(({ name }) => name);
      this.#log.info('reloaded', { added: names(change.added), changed: names(change.changed), removed: names(change.removed) });
    });
  }

  /**
   * Blames an error that nobody caught on the plugin that left it, also when it is configured no more; false when it was
   * the agent's own.
   */
  blame(name: string | undefined, error: unknown): boolean {
    if (name === undefined) return false;
    this.#log.error('an error was left uncaught by this plugin', { instance: name, error: describe(error) });
    (this.#sources.get(name) ?? this.#sinks.get(name))?.supervisor.fail(error);
    return true;
  }

  /** Writes in flight end with their checkpoint, sinks stop and with them their listeners, then sources, then the state. */
  stop(): Promise<void> {
    this.#stopping.abort();
    return this.#inTurn(async () => {
      await this.#retention.stop();
      await Promise.all([...this.#sinks.keys()].map((name) => this.#stopSink(name)));
      await this.listeners.close();
      await this.#built.feed.close();
      await Promise.all([...this.#sources.keys()].map((name) => this.#stopSource(name)));
      this.#metrics.close();
      this.#state.close();
      this.#log.info('stopped');
    });
  }

  #members(): Member[] {
    return [...this.#sources.values()].map((source) => source.member());
  }

  #flows(): readonly Flow[] {
    const sinks = ofKind(this.#settings.instances, 'sink');
    return this.#options.flows ?? sinks.map((settings) => flowOf(settings, this.#sinks.get(settings.name)?.sink()));
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #startSources(list: readonly InstanceSettings[]): Promise<void> {
    const attempts = list.map((settings) => {
      const source = superviseSource(settings, this.#around);
      this.#sources.set(settings.name, source);
      return source.supervisor.start();
    });
    await this.#patiently(attempts, SOURCES_HEAD_START_MS);
  }

  async #startSinks(list: readonly InstanceSettings[]): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    await this.#patiently(list.map((settings) => this.#startSink(settings)));
  }

  /** Waits for first attempts, but not beyond `ms`, and not when the agent is to stop. */
  async #patiently(attempts: readonly Promise<void>[], ms = LONGEST_ATTEMPT_MS): Promise<void> {
    const done = new AbortController();
    const patience = sleep(ms, undefined, { signal: AbortSignal.any([done.signal, this.#stopping.signal]) }).catch(() => undefined);
    await Promise.race([Promise.all(attempts), patience]);
    done.abort();
  }

  async #startSink(settings: InstanceSettings): Promise<void> {
    const sink = superviseSink(settings, this.#around, (instance, signal) => this.#deliver(settings, instance, signal));
    this.#sinks.set(settings.name, sink);
    await sink.supervisor.start();
  }

  /**
   * A sink that serves HTTP is mounted anew before the old one goes, so that no request finds nobody; one that is written to
   * goes first, so that nothing is written twice at a time.
   */
  async #replaceSink(settings: InstanceSettings): Promise<void> {
    const old = this.#sinks.get(settings.name);
    const overlaps = (settings.definition as { needs?: readonly string[] }).needs?.includes('http') && !old?.sink()?.write;
    if (!overlaps) await this.#stopSink(settings.name);
    await this.#startSink(settings);
    if (overlaps) await old?.supervisor.stop();
  }

  async #deliver(settings: InstanceSettings, sink: Sink, signal: AbortSignal): Promise<void> {
    const { name, from } = settings;
    if (!sink.write) return;
    const delivery = createDelivery({
      sink: name,
      write: tracedWrite(sink, name),
      ...(from && { from }),
      members: () => this.#members(),
      state: this.#state.keyValue(`sink:${name}`),
      events: this.events,
      log: this.#around.log(name),
      deadLetter: join(this.#settings.agent.state, `${name}.dead-letters.json.log`),
      signal,
    });
    this.#deliveries.set(name, delivery);
    const forget = () => this.#deliveries.get(name) === delivery && this.#deliveries.delete(name);
    signal.addEventListener('abort', forget, { once: true });
  }

  async #stopSink(name: string): Promise<void> {
    await this.#deliveries.get(name)?.drain(DRAIN_DEADLINE_MS);
    await this.#sinks.get(name)?.supervisor.stop();
    this.#sinks.delete(name);
  }

  async #stopSource(name: string): Promise<void> {
    await this.#sources.get(name)?.supervisor.stop();
    this.#sources.delete(name);
  }

  #instanceChanged(info: InstanceInfo): void {
    this.events.emit('instance', info);
    if (info.kind !== 'source') return;
    this.#built.feed.changed();
    for (const delivery of this.#deliveries.values()) delivery.changed();
  }
}

function ofKind(list: readonly InstanceSettings[], kind: InstanceSettings['kind']): InstanceSettings[] {
  return list.filter((settings) => settings.kind === kind);
}
