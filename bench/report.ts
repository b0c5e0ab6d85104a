import { cpus, totalmem } from 'node:os';
import Table from 'cli-table3';
import type { Measured } from './measure.ts';

/** Prints the machine first, as a figure without it says nothing. */
export function printMachine(more: Readonly<Record<string, string>>): void {
  const [cpu] = cpus();
  const facts = {
    cpu: `${cpus().length} × ${cpu?.model ?? '?'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    node: process.version,
    ...more,
  };
  for (const [name, value] of Object.entries(facts)) console.log(`${name.padEnd(10)} ${value}`);
}

export function printMeasured(title: string, measured: readonly Measured[]): void {
  const table = new Table({ head: ['', 'rows', 'median ms', 'p95 ms', 'ratio'], style: { head: [], border: [], compact: true } });
  for (const { name, rows, median, p95, ratio } of measured) {
    table.push([name, String(rows), median.toFixed(2), p95.toFixed(2), ratio.toFixed(2)]);
  }
  console.log(`\n${title}\n${table.toString()}`);
}
