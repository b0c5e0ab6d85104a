import { setTimeout as sleep } from 'node:timers/promises';

/** From the request to end to the order to. */
const GRACE_MS = 1000;
const LOOK_EVERY_MS = 20;

/**
 * Ends every process of a group: SIGTERM, and SIGKILL for those that are still there after a second. Resolves when none is
 * left or SIGKILL was sent. `false` when some may not be ended by this user.
 */
export async function endGroup(leader: number): Promise<boolean> {
  let sent = signalGroup(leader, 'SIGTERM');
  for (let waited = 0; sent === 'sent' && waited < GRACE_MS; waited += LOOK_EVERY_MS) {
    await sleep(LOOK_EVERY_MS);
    sent = signalGroup(leader, 0);
  }
  if (sent === 'sent') sent = signalGroup(leader, 'SIGKILL');
  return sent !== 'forbidden';
}

/** Whether a process of the group is there, ended ones that nobody has collected included. */
export function groupExists(leader: number): boolean {
  return signalGroup(leader, 0) !== 'none';
}

function signalGroup(leader: number, signal: NodeJS.Signals | 0): 'sent' | 'none' | 'forbidden' {
  try {
    process.kill(-leader, signal);
    return 'sent';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH') return 'none';
    if (code === 'EPERM') return 'forbidden';
    throw error;
  }
}
