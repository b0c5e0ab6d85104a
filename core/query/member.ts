import type { DataType, Source } from '../contract/index.ts';

/** A configured source, as the query engine and the feed see it. */
export interface Member {
  readonly name: string;
  /** Unknown while the plugin could not be created. */
  readonly type?: DataType;
  readonly label: string;
  readonly mirror: boolean;
  /** The running instance, its journal's facets included; absent while it is not running. */
  readonly source?: Source;
  /** Why it is not running, for the person who asks. */
  readonly error?: string;
}

/** What a source may be able to do. */
const FACETS = [
  'query',
  'follow',
  'latest',
  'receive',
  'append',
  'stats',
  'fields',
  'volume',
  'probe',
  'schema',
  'archive',
  'retention',
] as const;

/** What a running source can do. */
export function facetsOf(source: Source | undefined): string[] {
  return FACETS.filter((facet) => source?.[facet] !== undefined);
}
