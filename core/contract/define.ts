import type { z } from 'zod';
import type { JsonObject } from './entry.ts';
import type { KeyValue, Services, Sink } from './sink.ts';
import type { Source } from './source.ts';

export interface Log {
  debug(text: string, fields?: JsonObject): void;
  info(text: string, fields?: JsonObject): void;
  warn(text: string, fields?: JsonObject): void;
  error(text: string, fields?: JsonObject): void;
}

/** What a new instance is given. `create` is synchronous and does no I/O: that belongs into `start`. */
export interface Context<O> {
  /** The instance's name in the configuration. */
  readonly id: string;
  /** The name of this agent's host. */
  readonly host: string;
  readonly options: O;
  readonly log: Log;
  /** Aborts when the instance is to end. */
  readonly signal: AbortSignal;
}
export interface SourceContext<O> extends Context<O> {
  /** Kept across restarts, this instance's own. */
  readonly state: KeyValue;
}
export interface SinkContext<O, N extends keyof Services> extends Context<O> {
  readonly agent: Pick<Services, N>;
}

/** Options are a `z.strictObject`, so that an unknown key is an error with a suggestion; checked when the plugin is loaded. */
export type OptionsSchema = z.ZodObject<z.core.$ZodLooseShape, z.core.$strict>;

/** Keys of an instance that belong to the core. */
export const RESERVED_KEYS = ['use', 'enabled', 'from', 'owner', 'expects', 'isolate', 'grants'] as const;
type Reserved = (typeof RESERVED_KEYS)[number];
type Unreserved<O extends OptionsSchema> = keyof O['shape'] & Reserved extends never ? unknown : { readonly options: never };
type Exact<R, S> = R & S & { readonly [K in Exclude<keyof R, keyof S>]: never };

export interface Head<O extends OptionsSchema = OptionsSchema> {
  readonly name: string;
  /** One line, shown by `cauce plugin list`. */
  readonly summary: string;
  readonly apiVersion: 1;
  readonly options: O;
}
export interface SourceDefinition<O extends OptionsSchema = OptionsSchema> extends Head<O> {
  readonly kind: 'source';
  create(context: SourceContext<z.output<O>>): Source;
}
export interface SinkDefinition<O extends OptionsSchema = OptionsSchema> extends Head<O> {
  readonly kind: 'sink';
  readonly needs: readonly (keyof Services)[];
  create(context: SinkContext<z.output<O>, keyof Services>): Sink;
}
export type Definition = SourceDefinition | SinkDefinition;

/** Defines a source plugin; make it the default export of a module. A facet that does not exist is a type error. */
export function defineSource<const O extends OptionsSchema, R extends object>(
  definition: Head<O> & Unreserved<O> & { create(context: SourceContext<z.output<O>>): Exact<R, Source> },
): SourceDefinition<O> {
  return { ...(definition as Head<O> & Pick<SourceDefinition<O>, 'create'>), kind: 'source' };
}

/** Defines a sink plugin; it reaches only the services that it names in `needs`. */
export function defineSink<const O extends OptionsSchema, R extends object, const N extends keyof Services = never>(
  definition: Head<O> &
    Unreserved<O> & {
      readonly needs?: readonly N[];
      create(context: SinkContext<z.output<O>, N>): Exact<R, Sink>;
    },
): SinkDefinition<O> {
  const { needs = [], ...rest } = definition as Head<O> & Pick<SinkDefinition<O>, 'create'> & { needs?: readonly N[] };
  return { ...rest, needs, kind: 'sink' };
}
