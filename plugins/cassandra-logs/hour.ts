import type { Micros, Query } from '../../core/contract/index.ts';
import type { HourEntry, ServiceOfHour } from './directory.ts';
import type { Line, Lines } from './lines.ts';
import type { Narrowing } from './narrowing.ts';
import type { Reads } from './reads.ts';
import { ample, Strand, Strands } from './strands.ts';

/** Lines of one partition to begin with. */
const MOST_FIRST = 500;

export interface HourReading {
  readonly reads: Reads;
  readonly lines: Lines;
  readonly order: Query['order'];
  readonly narrowing: Narrowing;
}

/** The lines of one hour, of all its partitions as one. */
export class Hour {
  readonly #reading: HourReading;
  readonly #hour: Micros;
  readonly #services: readonly ServiceOfHour[];
  readonly #all: Strand<Line>[] = [];
  readonly #strands: Strands<Line>;
  #filling: Promise<void>;

  /** Begins to read for so many lines. */
  constructor(reading: HourReading, { hour, services }: HourEntry, wanted: number) {
    this.#reading = reading;
    this.#hour = hour;
    this.#services = services;
    this.#strands = new Strands(reading.order, this.#all, (some) => reading.reads.piece(some));
    this.#filling = held(this.#begin(wanted));
  }

  get ended(): boolean {
    return this.#strands.ended;
  }

  /** Begins to read on. What comes of it is told by {@link take}. */
  fill(wanted: number): void {
    this.#filling = held(this.#strands.fill(wanted));
  }

  /** The next lines in order, when what was begun is read. */
  async take(): Promise<Line[]> {
    await this.#filling;
    return this.#strands.take();
  }

  async #begin(wanted: number): Promise<void> {
    const { reads, narrowing } = this.#reading;
    const count = this.#services.length * reads.shards * (narrowing.levels?.length ?? 1);
    const most = reads.piece(Math.min(MOST_FIRST, ample(wanted / count)));
    await Promise.all(this.#services.map((service) => this.#beginService(service, most)));
  }

  async #beginService({ service, lists }: ServiceOfHour, most: number): Promise<void> {
    const { lines, narrowing } = this.#reading;
    const hour = this.#hour;
    const shards = [...Array(this.#reading.reads.shards).keys()];
    const strand = (shard: number, level?: string) => {
      const made = new Strand<Line>((behind, some) => lines.next({ service, hour, shard }, level, behind, some));
      this.#all.push(made);
      return made;
    };
    const { levels } = narrowing;
    if (levels && !lists) {
      // An index is asked about one partition at a time.
      await Promise.all(shards.flatMap((shard) => levels.map((level) => strand(shard, level).more(most))));
      return;
    }
    const all = shards.map((shard) => strand(shard));
    const first = await lines.firstOfShards(service, hour, most);
    for (const [shard, found] of first.entries()) all[shard]?.add(found, most);
  }
}

/** A failure is told when the work is awaited, which may be never. */
function held(work: Promise<void>): Promise<void> {
  work.catch(() => undefined);
  return work;
}
