import type { Point } from '../contract/index.ts';
import { rowId } from './rows.ts';

const LEAST = -(2n ** 63n);
const BEYOND = 2n ** 64n;

/**
 * The least whole key whose row stands at that id or behind it, where rows of the same time are in the order of their ids. The
 * id may be another source's.
 */
export function leastKeyFrom(source: string, id: Point['id']): bigint {
  let [low, high] = [LEAST, BEYOND];
  while (low < high) {
    const middle = (low + high) >> 1n;
    if (rowId(source, middle) >= id) high = middle;
    else low = middle + 1n;
  }
  return high;
}
