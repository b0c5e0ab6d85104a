import { setMaxListeners } from 'node:events';
import type { DeliveryInfo, KeyValue, Log, Sink } from '../contract/index.ts';
import type { Member } from '../query/member.ts';
import type { AgentEmitter } from '../telemetry/events.ts';
import { Courier } from './courier.ts';
import { Writer } from './writer.ts';

export interface DeliveryOptions {
  readonly sink: string;
  readonly write: NonNullable<Sink['write']>;
  /** Names of sources; by default every source that can be followed and is no mirror. */
  readonly from?: readonly string[];
  members(): readonly Member[];
  /** Keeps `checkpoint:<source>`, the position behind what is durable in the sink. */
  readonly state: KeyValue;
  readonly events: AgentEmitter;
  readonly log: Log;
  /** Path of a file of JSON lines `{time, sink, source, id, reason, entry}`. */
  readonly deadLetter: string;
  /** Ends everything at once. */
  readonly signal: AbortSignal;
}

export interface Delivery {
  /** To be called after members started, stopped or were replaced. */
  changed(): void;
  /** Of each source. */
  status(): readonly DeliveryInfo[];
  /** The sink is taken for down. */
  readonly circuitOpen: boolean;
  /** Begins nothing new; resolves when the write in flight and its checkpoint have ended, or were given up after the deadline. */
  drain(deadlineMs: number): Promise<void>;
}

/**
 * Writes every entry of the sources to a sink, at least once, each source at its own pace. An error means that the same
 * entries come again, after 1 s to 30 s or as the error says; what a sink does not take goes to the dead-letter file.
 */
export function createDelivery(options: DeliveryOptions): Delivery {
  const { signal, sink, log } = options;
  const soft = new AbortController();
  const hard = new AbortController();
  for (const one of [soft, hard]) setMaxListeners(0, one.signal); // Every source listens.
  const end = () => {
    soft.abort(signal.reason);
    hard.abort(signal.reason);
  };
  signal.addEventListener('abort', end);
  if (signal.aborted) end();

  const writer = new Writer({ ...options, soft: soft.signal, hard: hard.signal });
  const couriers = new Map<string, Courier>();
  const unknown = new Set<string>();

  function wanted(member: Member): boolean {
    return options.from ? options.from.includes(member.name) : !member.mirror && member.source?.follow !== undefined;
  }

  function changed(): void {
    if (soft.signal.aborted) return;
    const members = new Map(options.members().map((member) => [member.name, member]));
    for (const name of options.from ?? []) {
      if (!members.has(name) && !unknown.has(name))
        log.warn('a sink is to be filled from a source that is not configured', { sink, source: name });
      if (!members.has(name)) unknown.add(name);
    }
    for (const member of members.values()) {
      if (!wanted(member) || couriers.has(member.name)) continue;
      couriers.set(member.name, new Courier({ ...options, source: member.name, writer, soft: soft.signal, hard: hard.signal }));
      if (member.source && !member.source.follow)
        log.warn('a sink cannot be filled from a source that has no follow facet', { sink, source: member.name });
    }
    for (const [name, courier] of couriers) {
      const member = members.get(name);
      const follows = member?.source?.follow !== undefined;
      courier.attach(follows ? member?.source : undefined, reasonAgainst(member));
    }
  }

  changed();

  return {
    changed,
    status() {
      const configured = new Set(options.members().map(({ name }) => name));
      return [...couriers].flatMap(([name, courier]) => (courier.idle && !configured.has(name) ? [] : [courier.info]));
    },
    get circuitOpen() {
      return writer.circuitOpen;
    },
    async drain(deadlineMs) {
      soft.abort(new Error('the delivery is being ended'));
      const timer = setTimeout(() => {
        log.warn('a write did not end in time; its entries will come again', { sink, deadlineMs });
        hard.abort(new Error(`the write did not end within ${deadlineMs} ms`));
      }, deadlineMs);
      await Promise.all([...couriers.values()].map((courier) => courier.done));
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
    },
  };
}

function reasonAgainst(member: Member | undefined): string {
  if (!member) return 'the source is not configured any more';
  return member.source ? 'the source cannot be followed: its plugin has no follow facet' : (member.error ?? 'the source is not running');
}
