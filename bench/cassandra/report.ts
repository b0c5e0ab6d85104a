import { cpus, totalmem } from 'node:os';
import Table from 'cli-table3';
import type { Measured } from '../measure.ts';
import { printMachine, printMeasured } from '../report.ts';

type Facts = Readonly<Record<string, string | number>>;

/** Tables as they are measured, or all at once as JSON at the end. */
export class Report {
  readonly #json: boolean;
  readonly #all: { title: string; [key: string]: unknown }[] = [];
  #machine: Facts = {};

  constructor(json: boolean) {
    this.#json = json;
  }

  machine(more: Readonly<Record<string, string>>): void {
    const [cpu] = cpus();
    this.#machine = { cpus: cpus().length, cpu: cpu?.model ?? '?', memory: totalmem(), node: process.version, ...more };
    if (!this.#json) printMachine(more);
  }

  timed(title: string, measured: readonly Measured[]): void {
    this.#all.push({ title, measured });
    if (!this.#json) printMeasured(title, measured);
  }

  /** `bytes` of a row. The ratio is that of the speeds: above 1 is quicker than the first. */
  written(title: string, measured: readonly Measured[], bytes: number): void {
    const all = measured.map((one) => ({ ...one, rowsPerSecond: (one.rows / one.median) * 1000, ratio: 1 / one.ratio }));
    this.#all.push({ title, measured: all });
    const table = new Table({
      head: ['', 'rows', 'median ms', 'p95 ms', 'rows/s', 'MB/s', 'ratio'],
      style: { head: [], border: [], compact: true },
    });
    for (const { name, rows, median, p95, rowsPerSecond, ratio } of all) {
      const speed = [Math.round(rowsPerSecond), ((rowsPerSecond * bytes) / 1e6).toFixed(2)];
      table.push([name, rows, median.toFixed(0), p95.toFixed(0), ...speed, ratio.toFixed(2)]);
    }
    if (!this.#json) console.log(`\n${title}\n${table.toString()}`);
  }

  facts(title: string, facts: Facts): void {
    this.#all.push({ title, ...facts });
    if (this.#json) return;
    const list = Object.entries(facts).map(
      ([name, value]) => `${name} ${typeof value === 'number' ? Number(value.toPrecision(4)) : value}`,
    );
    console.log(`\n${title}\n${list.join('\n')}`);
  }

  failed(title: string, error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    this.#all.push({ title, error: text });
    if (!this.#json) console.log(`\n${title}\nfailed: ${text}`);
  }

  end(): void {
    if (this.#json) console.log(JSON.stringify({ machine: this.#machine, results: this.#all }, undefined, 2));
  }
}
