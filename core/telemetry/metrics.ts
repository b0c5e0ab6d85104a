import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { DeliveryInfo, InstanceInfo, Micros, RetentionRun } from '../contract/index.ts';
import type { AgentEmitter, AgentEvents } from './events.ts';

export interface Metrics {
  text(): Promise<{ contentType: string; text: string }>;
  /** Stops counting. */
  close(): void;
}

export interface MetricsOptions {
  readonly version: string;
  instances(): readonly InstanceInfo[];
  /** Of every running source, whether queries are answered without it for a while. */
  sourceCircuits?(): readonly { readonly source: string; readonly open: boolean }[];
  /** What retention runs left behind, also those of other processes. */
  retention?(): Promise<RetentionFacts>;
}

/** What retention runs left behind, by source: when its policy was applied, what that changed, how many attempts failed. */
export interface RetentionFacts {
  readonly last: RetentionRun | null;
  readonly sources: Readonly<Record<string, { readonly applied: Micros | null; readonly changes: number; readonly errors: number }>>;
}

const SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** A type comes with a request, so its number must be bounded; those beyond it are counted as `other`. */
const MOST_TYPES = 32;

let processRegister: Registry | undefined;

/**
 * Memory, processor, event loop and garbage collection. They belong to the process, and the library cannot stop observing them: one
 * register, made when it is first asked for, serves all agents of a process.
 */
function ofProcess(): Registry {
  if (processRegister) return processRegister;
  processRegister = new Registry();
  collectDefaultMetrics({ register: processRegister });
  return processRegister;
}

/** What the agent says of itself in Prometheus' text format, counted from its events. */
export function createMetrics(events: AgentEmitter, options: MetricsOptions): Metrics {
  const process = ofProcess();
  const register = new Registry();
  const counter = (name: string, help: string, labelNames: string[] = []) => new Counter({ name, help, labelNames, registers: [register] });
  const seconds = (name: string, help: string, labelNames: string[]) =>
    new Histogram({ name, help, labelNames, buckets: SECONDS, registers: [register] });

  new Gauge({ name: 'cauce_build_info', help: 'The running version, always 1', labelNames: ['version'], registers: [register] }).set(
    { version: options.version },
    1,
  );
  instanceGauges(register, options);
  deliveryGauges(register, options);
  if (options.sourceCircuits) sourceCircuitGauge(register, options.sourceCircuits);
  if (options.retention) retentionGauges(register, options.retention);

  const queries = counter('cauce_queries_total', 'Queries answered, by how whole the answer was', ['type', 'status']);
  const querySeconds = seconds('cauce_query_duration_seconds', 'Time from a query to its answer', ['type']);
  const sourceQueries = counter('cauce_source_queries_total', 'Queries run on a source', ['source', 'status']);
  const sourceSeconds = seconds('cauce_source_query_duration_seconds', 'Time that a query waited for a source', ['source']);
  const fed = counter('cauce_feed_entries_total', 'Entries that the shared follower of a source read', ['source']);
  const gaps = counter('cauce_stream_gaps_total', 'Times that a slow reader of a stream skipped entries', ['source']);
  const skipped = counter('cauce_stream_skipped_entries_total', 'Entries that slow readers of a stream skipped', ['source']);
  const lostEvents = counter('cauce_lost_events_total', 'Times that something was observed to be lost', ['source']);
  const lostEntries = counter('cauce_lost_entries_total', 'Entries that were observed to be lost, where they could be counted', ['source']);
  const lostBytes = counter('cauce_lost_bytes_total', 'Bytes that were observed to be lost', ['source']);
  const delivered = counter('cauce_delivered_entries_total', 'Entries that a sink holds durably', ['sink', 'source']);
  const rejected = counter('cauce_rejected_entries_total', 'Entries that a sink rejected, set aside as dead letters', ['sink', 'source']);
  const reloads = counter('cauce_reloads_total', 'Reloads of the configuration', ['result']);

  for (const result of ['applied', 'refused']) reloads.inc({ result }, 0);

  const types = new Set<string>();
  const listeners: Partial<AgentEvents> = {
    query({ type: asked, status, tookMs }) {
      const type = types.has(asked) || types.size < MOST_TYPES ? asked : 'other';
      types.add(type);
      queries.inc({ type, status });
      querySeconds.observe({ type }, tookMs / 1000);
    },
    source({ source, status, tookMs }) {
      sourceQueries.inc({ source, status });
      sourceSeconds.observe({ source }, tookMs / 1000);
    },
    feed: ({ source, entries }) => fed.inc({ source }, entries),
    gap({ source, count }) {
      gaps.inc({ source });
      skipped.inc({ source }, count);
    },
    lost({ source, lost }) {
      lostEvents.inc({ source });
      lostBytes.inc({ source }, lost.bytes ?? 0);
      lostEntries.inc({ source }, lost.entries ?? 0);
    },
    delivery(detail) {
      const { sink, source } = detail;
      delivered.inc({ sink, source }, detail.entries);
      rejected.inc({ sink, source }, detail.rejected);
    },
    reload: ({ ok }) => reloads.inc({ result: ok ? 'applied' : 'refused' }),
  };
  const names = Object.keys(listeners) as (keyof AgentEvents)[];
  for (const name of names) events.on(name, listeners[name] as never);

  return {
    text: async () => ({ contentType: register.contentType, text: `${await process.metrics()}\n${await register.metrics()}` }),
    close() {
      for (const name of names) events.off(name, listeners[name] as never);
      register.clear();
    },
  };
}

/** Read when they are asked for, so that a removed instance is gone at once. */
function instanceGauges(register: Registry, options: MetricsOptions): void {
  const labelNames = ['kind', 'instance', 'plugin'];
  const labels = ({ kind, name, use }: InstanceInfo) => ({ kind, instance: name, plugin: use });
  new Gauge({
    name: 'cauce_instance_up',
    help: '1 while a configured plugin runs',
    labelNames,
    registers: [register],
    collect() {
      this.reset();
      for (const info of options.instances()) this.set(labels(info), info.state === 'running' ? 1 : 0);
    },
  });
  new Counter({
    name: 'cauce_instance_restarts_total',
    help: 'Restarts of a configured plugin since it was configured',
    labelNames,
    registers: [register],
    collect() {
      this.reset();
      for (const info of options.instances()) this.inc(labels(info), info.restarts);
    },
  });
}

/** Read when they are asked for: a sink that does not run has none. */
function deliveryGauges(register: Registry, options: MetricsOptions): void {
  const gauge = (name: string, help: string, value: (info: DeliveryInfo) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['sink', 'source'],
      registers: [register],
      collect() {
        this.reset();
        for (const { name: sink, deliveries = [] } of options.instances())
          for (const info of deliveries) this.set({ sink, source: info.source }, value(info));
      },
    });
  gauge(
    'cauce_delivery_lag_seconds',
    'Age of the oldest entry that was read and is not durable in the sink, by its own time, or how long the source could not be read; 0 when nothing waits',
    ({ lagSeconds }) => lagSeconds,
  );
  gauge(
    'cauce_delivery_pending_entries',
    'Entries that were read and are not durable in the sink yet; it is bounded, the rest waits in the source',
    ({ pending }) => pending,
  );
  new Gauge({
    name: 'cauce_delivery_circuit_open',
    help: '1 while a sink is taken for down and gets one entry at a time',
    labelNames: ['sink'],
    registers: [register],
    collect() {
      this.reset();
      for (const { name: sink, circuitOpen } of options.instances()) if (circuitOpen !== undefined) this.set({ sink }, circuitOpen ? 1 : 0);
    },
  });
}

function sourceCircuitGauge(register: Registry, circuits: NonNullable<MetricsOptions['sourceCircuits']>): void {
  new Gauge({
    name: 'cauce_source_circuit_open',
    help: '1 while queries are answered without a source, because it did not answer several of them in a row',
    labelNames: ['source'],
    registers: [register],
    collect() {
      this.reset();
      for (const { source, open } of circuits()) this.set({ source }, open ? 1 : 0);
    },
  });
}

/** Read from the state when they are asked for, so that a run by `cauce retention apply` shows as well. */
function retentionGauges(register: Registry, facts: () => Promise<RetentionFacts>): void {
  const registers = [register];
  const labelNames = ['source'];
  new Gauge({
    name: 'cauce_retention_last_run_timestamp_seconds',
    help: 'When the last retention run began, scheduled or not',
    registers,
    async collect() {
      this.reset();
      const { last } = await facts();
      if (last) this.set(last.time / 1e6);
    },
  });
  new Gauge({
    name: 'cauce_retention_last_applied_timestamp_seconds',
    help: 'When the retention of a source was last applied without an error',
    labelNames,
    registers,
    async collect() {
      this.reset();
      for (const [source, { applied }] of Object.entries((await facts()).sources))
        if (applied !== null) this.set({ source }, applied / 1e6);
    },
  });
  new Gauge({
    name: 'cauce_retention_last_changes',
    help: 'How many rows, files and entries the last retention run removed from a source',
    labelNames,
    registers,
    async collect() {
      this.reset();
      for (const [source, { changes }] of Object.entries((await facts()).sources)) this.set({ source }, changes);
    },
  });
  new Counter({
    name: 'cauce_retention_errors_total',
    help: 'Times that the retention of a source could not be applied',
    labelNames,
    registers,
    async collect() {
      this.reset();
      for (const [source, { errors }] of Object.entries((await facts()).sources)) this.inc({ source }, errors);
    },
  });
}
