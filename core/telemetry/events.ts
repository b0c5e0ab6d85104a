import { EventEmitter } from 'eventemitter3';
import type { InstanceInfo, Lost } from '../contract/index.ts';

/** What happens inside the agent. Entries never travel here; the metrics are counted from these. */
export interface AgentEvents {
  instance: (info: InstanceInfo) => void;
  query: (detail: { type: string; status: 'ok' | 'partial' | 'failed'; rows: number; tookMs: number }) => void;
  source: (detail: { source: string; status: 'ok' | 'failed' | 'timeout'; rows: number; tookMs: number }) => void;
  /** Entries that the shared follower of a source read. */
  feed: (detail: { source: string; entries: number }) => void;
  gap: (detail: { source: string; count: number }) => void;
  lost: (detail: { source: string; lost: Lost }) => void;
  delivery: (detail: { sink: string; source: string; entries: number; rejected: number }) => void;
  reload: (detail: { ok: boolean; error?: string }) => void;
}

export type AgentEmitter = EventEmitter<AgentEvents>;

export function createEvents(): AgentEmitter {
  return new EventEmitter<AgentEvents>();
}
