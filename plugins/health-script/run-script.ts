import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { Head, Tail } from './kept-output.ts';
import { endGroup, groupExists } from './process-group.ts';

export interface Script {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | undefined;
  /** Milliseconds. */
  readonly timeout: number;
  /** Bytes of standard output. */
  readonly maxOutput: number;
}

/** What a run left behind. */
export interface Outcome {
  readonly stdout: Buffer;
  /** The end of what it wrote to standard error. */
  readonly stderr: string;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly durationMs: number;
  /** Why it could not even be started. */
  readonly unstarted?: NodeJS.ErrnoException;
  /** Why it was ended before its time. */
  readonly ended?: 'timeout' | 'output';
  /** Further things that a reader should know. */
  readonly notes: readonly string[];
  /** Resolves when what was left of its process group was ended, too; to `false` when this agent has no right to end some of it. */
  readonly cleared: Promise<boolean>;
}

const STDERR_KEPT = 64 * 1024;
/** How long a killed process may take to be reported as such. */
const REPORTED_WITHIN_MS = 1000;
const COLLECTED_WITHIN_MS = 20;
/** Output of an ended script is read until none has come for one such step; at most so many of them. */
const QUIET_MS = 50;
const QUIET_STEPS = 5;

/**
 * Runs a script in a process group of its own and answers when it ended, even if something that it started holds its output
 * open. The whole group is ended after the timeout, when it prints too much, and when the signal aborts, in which case the
 * promise rejects with the signal's reason; what is left of the group after a normal end is ended, too.
 */
export async function runScript(script: Script, signal: AbortSignal): Promise<Outcome> {
  signal.throwIfAborted();
  const began = performance.now();
  const elapsed = () => Math.round(performance.now() - began);
  const started = start(script);
  if (started instanceof Error) return { ...NOTHING, unstarted: started, durationMs: elapsed() };
  const { child, exited, closed } = started;
  const { pid } = child;
  if (pid === undefined) {
    const [error] = (await once(child, 'error')) as [NodeJS.ErrnoException];
    return { ...NOTHING, unstarted: error, durationMs: elapsed() };
  }

  const stdout = new Head(script.maxOutput);
  const stderr = new Tail(STDERR_KEPT);
  const notes: string[] = [];
  const tooMuch = collect(child, stdout, stderr, notes);
  const reason = await firstOf({ exited, tooMuch, timeout: script.timeout, signal });
  let cleared = Promise.resolve(true);
  if (reason !== undefined) {
    cleared = endGroup(pid);
    await Promise.race([exited, cleared.then(() => sleep(REPORTED_WITHIN_MS, undefined, { ref: false }))]);
    if (child.exitCode === null && child.signalCode === null) notes.push('it could not be ended and is still there');
  }
  const durationMs = elapsed();
  const open = !(await drained(closed, () => stdout.seen + stderr.seen));
  if (reason === undefined) {
    if (open) notes.push('something that it started still held its output open when it had ended');
    if (await leftBehind(pid)) {
      notes.push('it left processes of its group behind; they were ended');
      cleared = endGroup(pid);
    }
  }
  child.stdout.destroy();
  child.stderr.destroy();
  if (reason === 'aborted') {
    await cleared;
    throw signal.reason;
  }
  return {
    stdout: stdout.bytes(),
    stderr: stderr.text(),
    exitCode: child.exitCode,
    signal: child.signalCode,
    durationMs,
    ...(reason && { ended: reason }),
    notes,
    cleared,
  };
}

const NOTHING = { stdout: Buffer.alloc(0), stderr: '', exitCode: null, signal: null, notes: [], cleared: Promise.resolve(true) };

function start({ command, env, cwd }: Script) {
  const [program = '', ...words] = command;
  try {
    const child = spawn(program, words, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
    return { child, exited, closed };
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
}

/** Keeps what is printed; resolves when it is more than may be kept. */
function collect(child: ChildProcess, stdout: Head, stderr: Tail, notes: string[]): Promise<void> {
  const failed = (error: Error) => notes.push(`reading its output failed: ${error.message}`);
  child.stdout?.on('error', failed);
  child.stderr?.on('error', failed);
  child.stderr?.on('data', (chunk: Buffer) => stderr.add(chunk));
  return new Promise((resolve) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      stdout.add(chunk);
      if (stdout.cut) resolve();
    });
  });
}

/** What comes first, when it is not the script's own end. */
async function firstOf(wait: { exited: Promise<void>; tooMuch: Promise<void>; timeout: number; signal: AbortSignal }) {
  const { exited, tooMuch, timeout, signal } = wait;
  let timer: NodeJS.Timeout | undefined;
  let abort: () => void = () => undefined;
  const late = new Promise<'timeout'>((resolve) => {
    timer = setTimeout(() => resolve('timeout'), timeout);
  });
  const aborted = new Promise<'aborted'>((resolve) => {
    abort = () => resolve('aborted');
    signal.addEventListener('abort', abort);
  });
  try {
    return await Promise.race([exited.then(() => undefined), tooMuch.then(() => 'output' as const), late, aborted]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

/** Whether its group lives on; what has just ended gets a moment to be collected. */
async function leftBehind(leader: number): Promise<boolean> {
  if (!groupExists(leader)) return false;
  await sleep(COLLECTED_WITHIN_MS);
  return groupExists(leader);
}

/** Waits for the output of an ended script to close; `false` when something still holds it open. */
async function drained(closed: Promise<void>, seen: () => number): Promise<boolean> {
  const done = closed.then(() => true);
  for (let step = 0; step < QUIET_STEPS; step++) {
    const before = seen();
    if (await Promise.race([done, sleep(QUIET_MS, false)])) return true;
    // A busy process may find the timer due before it has looked at the pipes; behind this, it has.
    await setImmediate();
    if (seen() === before) break;
  }
  return Promise.race([done, setImmediate(false)]);
}
