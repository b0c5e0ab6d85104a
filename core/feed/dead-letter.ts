import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { formatTime, now } from '../contract/index.ts';
import type { Row } from '../query/row.ts';

/** An entry that a sink does not take, and why. */
export interface DeadLetter {
  readonly row: Row;
  readonly reason: string;
}

/**
 * Appends JSON lines `{time, sink, source, id, reason, entry}` to the file, which it makes when it is absent; resolves when
 * they are on the disk.
 */
export async function bury(path: string, sink: string, letters: readonly DeadLetter[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'a', 0o640);
  try {
    await file.writeFile(letters.map((letter) => line(sink, letter)).join(''));
    await file.datasync();
  } finally {
    await file.close();
  }
}

function line(sink: string, { row, reason }: DeadLetter): string {
  const head = JSON.stringify({ time: formatTime(now()), sink, source: row.source, id: row.id, reason });
  // The entry is put in as the text that it is, since it may nest deeper than JSON.stringify can go.
  return `${head.slice(0, -1)},"entry":${row.json}}\n`;
}
