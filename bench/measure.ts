/** Work of one contender; resolves to the number of rows that it delivered, so that nobody wins by answering less. */
export interface Contender {
  readonly name: string;
  run(): Promise<number>;
}

export interface Measured {
  readonly name: string;
  readonly rows: number;
  /** Milliseconds. */
  readonly median: number;
  readonly p95: number;
  /** The median divided by the first contender's. */
  readonly ratio: number;
}

/** Runs the contenders in turns, so that a drift of the machine meets all of them alike. The first rounds warm up and are not counted. */
export async function measure(contenders: readonly Contender[], rounds: number, warmUp = Math.ceil(rounds / 10)): Promise<Measured[]> {
  const times = contenders.map((): number[] => []);
  const rows = contenders.map(() => 0);
  for (let round = -warmUp; round < rounds; round++) {
    for (const [index, contender] of contenders.entries()) {
      const began = performance.now();
      rows[index] = await contender.run();
      if (round >= 0) times[index]?.push(performance.now() - began);
    }
  }
  const first = quantile(times[0] ?? [], 0.5);
  return contenders.map(({ name }, index) => {
    const taken = times[index] ?? [];
    const median = quantile(taken, 0.5);
    return { name, rows: rows[index] ?? 0, median, p95: quantile(taken, 0.95), ratio: median / first };
  });
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
