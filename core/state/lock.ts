import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PermanentError } from '../contract/index.ts';
import { openDatabase } from './sqlite.ts';

/**
 * Claims a state folder for this process, by a lock of the kernel's on a file: whoever dies, by whatever signal, no longer
 * holds it. Returns the release.
 */
export function lockFolder(folder: string): () => void {
  const database = openDatabase(join(folder, 'agent.lock'));
  const note = join(folder, 'agent.pid');
  try {
    database.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE;');
  } catch (error) {
    database.close();
    throw new PermanentError(
      `another agent${holder(note)} uses the state folder ${folder}; stop it, or name another folder in agent.state`,
      { cause: error },
    );
  }
  writeFileSync(note, `${process.pid}\n`);
  return () => {
    database.exec('ROLLBACK');
    database.close();
  };
}

function holder(note: string): string {
  try {
    return ` (pid ${readFileSync(note, 'utf8').trim()})`;
  } catch {
    return '';
  }
}
