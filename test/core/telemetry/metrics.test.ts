import { describe, expect, it } from 'vitest';
import { createEvents } from '../../../core/telemetry/events.ts';
import { createMetrics } from '../../../core/telemetry/metrics.ts';

describe('metrics', () => {
  it('are counted from events, and name what is configured now', async () => {
    const events = createEvents();
    let restarts = 1;
    const metrics = createMetrics(events, {
      version: '1.2.3',
      instances: () => [{ kind: 'source', name: 'app', use: 'json-logs', state: 'running', restarts }],
    });
    events.emit('query', { type: 'logs', status: 'partial', rows: 3, tookMs: 12 });
    events.emit('gap', { source: 'app', count: 40 });
    events.emit('lost', { source: 'app', lost: { lane: 'x', reason: 'truncated', bytes: 100 } });
    events.emit('reload', { ok: false, error: 'x' });
    restarts = 2;
    const { contentType, text } = await metrics.text();
    expect(contentType).toMatch(/^text\/plain/);
    for (const line of [
      'cauce_build_info{version="1.2.3"} 1',
      'cauce_queries_total{type="logs",status="partial"} 1',
      'cauce_query_duration_seconds_count{type="logs"} 1',
      'cauce_stream_skipped_entries_total{source="app"} 40',
      'cauce_lost_bytes_total{source="app"} 100',
      'cauce_reloads_total{result="refused"} 1',
      'cauce_instance_up{kind="source",instance="app",plugin="json-logs"} 1',
      'cauce_instance_restarts_total{kind="source",instance="app",plugin="json-logs"} 2',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
    metrics.close();
    expect(events.eventNames()).toEqual([]);
  });
});
