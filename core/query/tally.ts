import { interpolate, type MeasureFunction, quantilePlace, RequestError } from '../contract/index.ts';
import { DecimalSum } from './decimal-sum.ts';

/** 16 MB of numbers. */
const MOST_VALUES = 2_000_000;

/** How many numbers a request holds on to. */
export class Held {
  #count = 0;

  add(): void {
    if (++this.#count <= MOST_VALUES) return;
    const fault = `quantiles of more than ${MOST_VALUES} numbers cannot be worked out from entries`;
    throw new RequestError('measure', `${fault}; ask for a shorter time, add a condition, or measure avg, min and max instead`);
  }
}

/** The numbers of one field in one group. */
export class Tally {
  readonly #held: Held | undefined;
  #count = 0;
  #sum: DecimalSum | undefined;
  #min: number | null = null;
  #max: number | null = null;
  /** For quantiles. */
  readonly #values: number[] = [];

  /** `held` when quantiles will be asked for. */
  constructor(held: Held | undefined) {
    this.#held = held;
  }

  add(value: number): void {
    this.merge('count', 1);
    this.merge('sum', value);
    this.merge('min', value);
    this.merge('max', value);
    if (!this.#held) return;
    this.#held.add();
    this.#values.push(value);
  }

  /** Adds what was measured elsewhere. */
  merge(fn: 'count' | 'sum' | 'min' | 'max', value: number): void {
    if (fn === 'count') this.#count += value;
    else if (fn === 'min') this.#min = Math.min(value, this.#min ?? value);
    else if (fn === 'max') this.#max = Math.max(value, this.#max ?? value);
    else {
      this.#sum ??= new DecimalSum();
      this.#sum.add(value);
    }
  }

  /** `null` when there was no number; of `count`, 0. */
  value(fn: MeasureFunction): number | null {
    switch (fn) {
      case 'count':
        return this.#count;
      case 'min':
        return this.#min;
      case 'max':
        return this.#max;
      case 'sum':
        return this.#sum ? this.#sum.value : null;
      case 'avg':
        return this.#sum ? this.#sum.value / this.#count : null;
      default:
        return this.#quantile(fn);
    }
  }

  #quantile(fn: MeasureFunction): number | null {
    const sorted = this.#values.sort((a, b) => a - b);
    const place = quantilePlace(fn, sorted.length);
    const lower = sorted[place];
    return lower === undefined ? null : interpolate(fn, sorted.length, lower, sorted[place + 1]);
  }
}
