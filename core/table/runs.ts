/**
 * `count` gaps in the keys of a table, each `length` keys long, that begin at `first` and then at every `every` keys. With
 * `auto_increment_increment = 3` each row leaves such a gap of two, and thousands of them are one run.
 */
export interface Run {
  readonly first: bigint;
  readonly length: bigint;
  readonly every: bigint;
  readonly count: bigint;
  /** Seconds since 1970. */
  readonly noticed: number;
}

/** Gaps with more rows between them than this are no run: looking for rows in a run passes over all that is between. */
const MOST_BETWEEN = 16n;

export function gap(first: bigint, last: bigint, noticed: number): Run {
  const length = last - first + 1n;
  return { first, length, every: length, count: 1n, noticed };
}

/** The last key in the last gap of a run. */
export function lastOf({ first, length, every, count }: Run): bigint {
  return first + every * (count - 1n) + length - 1n;
}

/** Whether the key is in one of the gaps of ascending runs. */
export function isMissing(runs: readonly Run[], key: bigint): boolean {
  const run = runs[indexOf(runs, key)];
  return run !== undefined && key >= run.first && (key - run.first) % run.every < run.length;
}

/** Ascending runs and one gap above them all. */
export function withGap(runs: readonly Run[], added: Run): readonly Run[] {
  const last = runs.at(-1);
  const longer = last && longerBy(last, added);
  return longer ? [...runs.slice(0, -1), longer] : [...runs, added];
}

function longerBy(run: Run, { first, length, noticed }: Run): Run | undefined {
  if (run.length !== length || run.noticed !== noticed) return undefined;
  const every = run.count === 1n ? first - run.first : run.every;
  if (every > length + MOST_BETWEEN || first !== run.first + every * run.count) return undefined;
  return { ...run, every, count: run.count + 1n };
}

/** Ascending runs without one of their keys; the very same runs when it was in none. */
export function withoutKey(runs: readonly Run[], key: bigint): readonly Run[] {
  if (!isMissing(runs, key)) return runs;
  const index = indexOf(runs, key);
  const run = runs[index] as Run;
  const { first, length, every, count, noticed } = run;
  const before = (key - first) / every;
  const begin = first + before * every;
  const end = begin + length - 1n;
  const parts = [
    { ...run, count: before },
    gap(begin, key - 1n, noticed),
    gap(key + 1n, end, noticed),
    { ...run, first: begin + every, count: count - before - 1n },
  ];
  const left = parts.filter((part) => part.count > 0n && part.length > 0n);
  return [...runs.slice(0, index), ...left, ...runs.slice(index + 1)];
}

/** The greatest key up to the given one that is in no gap, and the gaps below it. */
export function upToKey(runs: readonly Run[], key: bigint): readonly [bigint, readonly Run[]] {
  const index = indexOf(runs, key);
  const run = runs[index];
  if (!run || run.first > key) return [key, runs.slice(0, index)];
  const before = (key - run.first) / run.every;
  const begin = run.first + before * run.every;
  const isGap = isMissing(runs, key);
  const count = isGap ? before : before + 1n;
  return [isGap ? begin - 1n : key, [...runs.slice(0, index), { ...run, count }].filter(({ count }) => count > 0n)];
}

/** The first run that does not end below the key, which may still begin above it. */
function indexOf(runs: readonly Run[], key: bigint): number {
  let [low, high] = [0, runs.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (lastOf(runs[middle] as Run) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
