/**
 * The quantile `q` (0 to 1) by linear interpolation between the two closest ranks: R-7 of Hyndman and Fan (1996), which is
 * SQL's PERCENTILE_CONT. `null` when there is no value.
 */
export function quantile(values: readonly number[], q: number): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const rank = (sorted.length - 1) * q;
  const low = sorted[Math.floor(rank)] as number;
  const high = sorted[Math.ceil(rank)] as number;
  return low + (high - low) * (rank - Math.floor(rank));
}
