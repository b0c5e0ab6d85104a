#!/usr/bin/env node
// @ts-check
/**
 * Turns the history of a git repository into rows of `dora_metrics`, as NDJSON on standard output. README.md tells the mapping.
 *
 *     node import.js --repo . | cauce metrics add --stdin
 */
import { parseArgs } from 'node:util';
import { readHistory, Unusable } from './history.js';
import { rowsOf } from './mapping.js';

const options = /** @type {const} */ ({ repo: { type: 'string', default: '.' }, cycles: { type: 'string', default: 'auto' } });
const CYCLES = ['auto', 'commits', 'tags'];
// The reader may have enough of it.
process.stdout.on('error', () => process.exit());

try {
  const { repo, cycles } = parseArgs({ options }).values;
  if (!CYCLES.includes(cycles)) throw new TypeError(`--cycles is one of ${CYCLES.join(', ')}`);
  const history = await readHistory(repo);
  const { rows, remarks } = rowsOf(history, { cycles, now: Date.now() / 1000 });
  for (const remark of [...history.remarks, ...remarks]) console.error(`git-history: ${remark}`);
  process.stdout.write(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
} catch (error) {
  if (error instanceof Unusable) {
    // A source archive has no history, and that is no fault.
    console.error(`git-history: ${error.message}; nothing is imported`);
  } else if (error instanceof TypeError) {
    console.error(`git-history: ${error.message}\nusage: import.js [--repo FOLDER] [--cycles ${CYCLES.join('|')}]`);
    process.exitCode = 2;
  } else throw error;
}
