import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { inTurn } from '../../../core/state/lock.ts';

/** Run as a process of its own: takes a turn of a few milliseconds, again and again, and writes when each begins and ends. */
const [lock, journal, times, hold] = process.argv.slice(2) as [string, string, string, string];
for (let turn = 0; turn < Number(times); turn++) {
  await inTurn(
    lock,
    async () => {
      appendFileSync(journal, `begin ${process.pid}\n`);
      await sleep(Number(hold));
      appendFileSync(journal, `end ${process.pid}\n`);
    },
    new AbortController().signal,
  );
}
