import { Place } from './position.ts';
import { isEntry, type Step } from './step.ts';

export interface RingLimits {
  readonly entries: number;
  /** Of JSON. One entry is kept however long it is. */
  readonly bytes: number;
}

interface Slot {
  readonly step: Step;
  /** Entries before this slot, since the ring was made. */
  readonly before: number;
}

/** Rows keep their parsed body while this many steps are younger, for the filters of clients that keep up. */
const PARSED = 256;

/**
 * The last steps of a source's feed, numbered from 0 on. When it is full, the oldest step makes room. The positions at
 * both ends move with every step.
 */
export class Ring {
  readonly #limits: RingLimits;
  readonly #slots: (Slot | undefined)[] = [];
  #first = 0;
  #next = 0;
  #bytes = 0;
  #entries = 0;
  /** Where the oldest step begins. */
  readonly start = new Place();
  /** Behind the newest step. */
  readonly end = new Place();

  constructor(limits: RingLimits) {
    this.#limits = limits;
  }

  /** The number of the oldest step that is there. */
  get first(): number {
    return this.#first;
  }

  /** The number that the next step will have. */
  get next(): number {
    return this.#next;
  }

  /** The step with this number, which must be from `first` to before `next`. */
  at(number: number): Step {
    return this.#slot(number).step;
  }

  /** How many entries there were before the step with this number, since the ring was made. */
  entriesBefore(number: number): number {
    return number === this.#next ? this.#entries : this.#slot(number).before;
  }

  push(step: Step): void {
    this.#slots[this.#next % this.#limits.entries] = this.#room(step);
    this.#next++;
    this.#bytes += weight(step);
    if (isEntry(step.frame)) this.#entries++;
    this.end.move(step.lane, step.cursor);
    while (this.#bytes > this.#limits.bytes && this.#first < this.#next - 1) this.#evict();
    const old = this.#next - PARSED;
    const frame = old >= this.#first ? this.at(old).frame : undefined;
    if (isEntry(frame)) frame.entry.slim();
  }

  #room(step: Step): Slot {
    if (this.#next - this.#first === this.#limits.entries) this.#evict();
    return { step, before: this.#entries };
  }

  #evict(): void {
    const { step } = this.#slot(this.#first);
    this.#slots[this.#first % this.#limits.entries] = undefined;
    this.#first++;
    this.#bytes -= weight(step);
    this.start.move(step.lane, step.cursor);
  }

  #slot(number: number): Slot {
    const slot = number >= this.#first && number < this.#next ? this.#slots[number % this.#limits.entries] : undefined;
    if (!slot) throw new RangeError(`step ${number} is not in the ring of ${this.#first} to ${this.#next}`);
    return slot;
  }
}

function weight({ frame }: Step): number {
  return isEntry(frame) ? frame.entry.json.length : 0;
}
