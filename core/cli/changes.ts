import { type Change, sizeText } from '../contract/index.ts';
import { printable } from './render.ts';

/** A line for each thing that was done, or would be. */
export function printChanges(changes: readonly Change[], dryRun: boolean, indent = ''): void {
  for (const { what, count, bytes } of changes) {
    const size = bytes === undefined ? '' : `, ${sizeText(bytes)}`;
    const amount = count === 1 && bytes === undefined ? '' : ` (${count}${size})`;
    console.log(`${indent}${dryRun ? 'would' : 'did'} ${printable(what)}${amount}`);
  }
}
