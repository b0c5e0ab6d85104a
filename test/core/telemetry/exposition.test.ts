import { expect, it } from 'vitest';
import type { InstanceInfo } from '../../../core/contract/index.ts';
import { type AgentEmitter, createEvents } from '../../../core/telemetry/events.ts';
import { createMetrics } from '../../../core/telemetry/metrics.ts';

const info: InstanceInfo = {
  kind: 'sink',
  name: 'ship',
  use: 'writer',
  state: 'waiting',
  restarts: 4,
  circuitOpen: true,
  deliveries: [
    { source: 'app', state: 'waiting', lagSeconds: 12.5, pending: 5000, error: 'refused' },
    { source: 'other', state: 'current', lagSeconds: 0, pending: 0 },
  ],
};
const sourceCircuits = () => [
  { source: 'app', open: false },
  { source: 'store', open: true },
];

function happen(events: AgentEmitter): void {
  events.emit('query', { type: 'logs', status: 'ok', rows: 3, tookMs: 12 });
  events.emit('source', { source: 'app', status: 'timeout', rows: 0, tookMs: 2000 });
  events.emit('feed', { source: 'app', entries: 7 });
  events.emit('gap', { source: 'app', count: 40 });
  events.emit('lost', { source: 'app', lost: { lane: 'x', reason: 'truncated', bytes: 100, entries: 2 } });
  events.emit('lost', { source: 'app', lost: { lane: 'x', reason: 'unknown' } });
  events.emit('delivery', { sink: 'ship', source: 'app', entries: 10, rejected: 1 });
  events.emit('reload', { ok: true });
}

it('counts every event', async () => {
  const events = createEvents();
  const metrics = createMetrics(events, { version: '1', instances: () => [info], sourceCircuits });
  happen(events);
  const lines = (await metrics.text()).text.split('\n');
  for (const line of [
    'cauce_source_queries_total{source="app",status="timeout"} 1',
    'cauce_source_query_duration_seconds_sum{source="app"} 2',
    'cauce_feed_entries_total{source="app"} 7',
    'cauce_stream_gaps_total{source="app"} 1',
    'cauce_lost_events_total{source="app"} 2',
    'cauce_lost_bytes_total{source="app"} 100',
    'cauce_lost_entries_total{source="app"} 2',
    'cauce_delivered_entries_total{sink="ship",source="app"} 10',
    'cauce_rejected_entries_total{sink="ship",source="app"} 1',
    'cauce_reloads_total{result="applied"} 1',
    'cauce_reloads_total{result="refused"} 0',
    'cauce_instance_up{kind="sink",instance="ship",plugin="writer"} 0',
    'cauce_instance_restarts_total{kind="sink",instance="ship",plugin="writer"} 4',
    'cauce_delivery_lag_seconds{sink="ship",source="app"} 12.5',
    'cauce_delivery_lag_seconds{sink="ship",source="other"} 0',
    'cauce_delivery_pending_entries{sink="ship",source="app"} 5000',
    'cauce_delivery_circuit_open{sink="ship"} 1',
    'cauce_source_circuit_open{source="app"} 0',
    'cauce_source_circuit_open{source="store"} 1',
  ])
    expect(lines).toContain(line);
  metrics.close();
});

/** The rules of `promtool check metrics` that concern names, and of the format itself. */
it('is named and laid out as Prometheus wants it', async () => {
  const events = createEvents();
  const metrics = createMetrics(events, { version: '1', instances: () => [info], sourceCircuits });
  happen(events);
  const { text } = await metrics.text();
  metrics.close();
  const kinds = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', kind = '']) => [name, kind]));
  const helps = [...text.matchAll(/^# HELP (\S+) (.+)$/gm)].map(([, name = '']) => name);
  expect(helps).toHaveLength(new Set(helps).size);
  expect(new Set(helps)).toEqual(new Set(kinds.keys()));
  for (const [name, kind] of kinds) {
    if (!name.startsWith('cauce_')) continue;
    expect(name, 'a counter, and only a counter, ends in _total').toMatch(kind === 'counter' ? /_total$/ : /(?<!_total)$/);
    expect(name, 'base units').not.toMatch(/milliseconds|_ms\b|kilobytes/);
    if (kind === 'histogram') expect(name).toMatch(/_seconds$/);
  }
  for (const line of text.split('\n'))
    expect(line).toMatch(/^($|# (HELP|TYPE) |[a-z_]+[a-z0-9_]*(\{.*\})? (-?[\d.e+-]+|[Nn]a[Nn]|\+Inf)$)/);
  expect(text).toMatch(/^process_resident_memory_bytes \d/m);
});

it('bounds the types that a stranger may ask for', async () => {
  const events = createEvents();
  const metrics = createMetrics(events, { version: '1', instances: () => [] });
  for (let number = 0; number < 1000; number++) events.emit('query', { type: `type-${number}`, status: 'failed', rows: 0, tookMs: 1 });
  const { text } = await metrics.text();
  expect(text.match(/^cauce_queries_total\{/gm)?.length).toBe(33);
  expect(text).toContain('cauce_queries_total{type="other",status="failed"} 968');
  metrics.close();
});

it('leaves nothing behind, however often it is made', async () => {
  const events = createEvents();
  const once = createMetrics(events, { version: '1', instances: () => [] });
  await once.text();
  once.close();
  // An immediate is over in a turn, whoever asked for it.
  const resources = () =>
    process
      .getActiveResourcesInfo()
      .filter((kind) => kind !== 'Immediate')
      .sort();
  const before = resources();
  for (let round = 0; round < 20; round++) {
    const metrics = createMetrics(events, { version: '1', instances: () => [] });
    await metrics.text();
    metrics.close();
  }
  expect(events.eventNames()).toEqual([]);
  expect(resources()).toEqual(before);
});
