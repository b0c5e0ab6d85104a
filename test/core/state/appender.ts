import { draft } from '../../../core/contract/index.ts';
import { openState } from '../../../core/state/state.ts';

/** Run as a process of its own: appends until it is killed, and prints the id of each draft once it is acknowledged. */
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const state = await openState(process.argv[2] as string, { log: silent, exclusive: process.argv[3] === 'exclusive' });
const journal = state.journal('source');
console.log('open');
for (let number = 0; ; number++) {
  const made = draft({ number }, { time: number, id: `id.${number}` });
  await journal.append([made]);
  console.log(made.id);
}
