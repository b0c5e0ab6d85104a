import { crc32 } from 'node:zlib';
import type { Micros } from '../../core/contract/index.ts';

export const HOUR: Micros = 3_600_000_000;
export const DAY: Micros = 24 * HOUR;

/** What a line's partition is known by: lines of one service, in one hour, spread over the shards by their ids. */
export interface Partition {
  readonly service: string;
  /** Begin of the hour. */
  readonly hour: Micros;
  readonly shard: number;
}

/** The longest name of a service that is taken as it is, in UTF-8 bytes; a key of Cassandra has at most 65,535. */
const LONGEST_SERVICE = 256;

/** The same line is in the same partition, whoever writes it and whenever. */
export function partitionOf(service: string, time: Micros, id: string, shards: number): Partition {
  return { service, hour: hourOf(time), shard: crc32(id) % shards };
}

export function hourOf(time: Micros): Micros {
  return Math.floor(time / HOUR) * HOUR;
}

/** Whether a value of the field `service` can name a service. */
export function isService(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= LONGEST_SERVICE && !value.includes('\0');
}

/** `YYYY-MM-DD`, as Cassandra's type `date` is written. */
export function dayOf(time: Micros): string {
  return new Date(time / 1000).toISOString().slice(0, 10);
}
