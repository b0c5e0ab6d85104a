import type { CatalogEntry, Sink } from '../contract/index.ts';
import type { Member } from '../query/member.ts';

/** A configured sink, and what it reads. */
export interface Flow {
  readonly sink: string;
  readonly use: string;
  readonly how: 'written' | 'read';
  /** Absent: every source. */
  readonly from?: readonly string[];
}

/** A sink as it is configured. */
type Configured = { readonly name: string } & Pick<Flow, 'use' | 'from'>;

/** `sink` is absent when it could not be created. */
export function flowOf({ name, use, from }: Configured, sink: Sink | undefined): Flow {
  return { sink: name, use, how: sink?.write ? 'written' : 'read', ...(from && { from }) };
}

/**
 * The sinks that a source feeds. One that is written to follows its sources, and a mirror only when it is named; one that reads
 * asks any source.
 */
export function feedsOf({ name, mirror, source }: Member, flows: readonly Flow[]): CatalogEntry['feeds'] {
  const feeds = ({ how, from }: Flow) => {
    if (from && !from.includes(name)) return false;
    return how === 'read' || ((!source || source.follow !== undefined) && (!mirror || from !== undefined));
  };
  return flows.filter(feeds).map(({ sink, use, how }) => ({ sink, use, how }));
}
