import type { Expectations } from '../catalog/expectations.ts';
import type { Definition, JsonObject } from '../contract/index.ts';
import type { Vocabulary } from '../dora/vocabulary.ts';

/** One configured plugin. */
export interface InstanceSettings {
  readonly kind: 'source' | 'sink';
  readonly name: string;
  readonly use: string;
  /** For a sink that is written to: the sources it takes from. Default: all. */
  readonly from?: readonly string[];
  /** Of a source: who answers for its data, and what its entries should look like. */
  readonly owner?: string | undefined;
  readonly expects?: Expectations;
  /** With variables filled in, keys of the core taken out; each new instance parses them again. */
  readonly options: JsonObject;
  readonly definition: Definition;
}

export interface AgentSettings {
  /** Folder of the state, absolute. */
  readonly state: string;
  readonly host: string;
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly file?: string };
  /** How long, in milliseconds, a query waits for one source. */
  readonly query: { readonly deadline: number };
  readonly dora: Vocabulary;
  /** A cron expression, or null for never. */
  readonly retention: { readonly schedule: string | null };
}

/** A configuration that was read and found to be right. */
export interface Settings {
  readonly file: string;
  readonly agent: AgentSettings;
  /** What is enabled, sources before sinks. */
  readonly instances: readonly InstanceSettings[];
  readonly disabled: readonly Pick<InstanceSettings, 'kind' | 'name' | 'use'>[];
}
