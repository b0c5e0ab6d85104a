import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { describeWithOwnCassandra } from './shared.ts';

describeWithOwnCassandra('a process that is killed while its cluster runs', () => {
  let child: ReturnType<typeof spawn> | undefined;
  afterEach(() => child?.kill('SIGKILL'));

  it('leaves no node and no folder behind', async () => {
    child = spawn(process.execPath, ['--import', 'jiti/register', join(import.meta.dirname, 'orphan.ts')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(child.stdout as NodeJS.ReadableStream, 'data');
    const { folder, pids } = JSON.parse(String(line)) as { folder: string; pids: number[] };
    expect(existsSync(folder)).toBe(true);
    expect(pids.filter(runs)).toHaveLength(1);
    child.kill('SIGKILL');
    while (existsSync(folder) || pids.some(runs)) await sleep(100);
  });
});

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false; // There is none of that number.
  }
}
