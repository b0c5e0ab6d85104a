import { describe, expect, it, vi } from 'vitest';
import { type InstanceInfo, type Log, PermanentError, RetryableError } from '../../../core/contract/index.ts';
import { type Supervisable, Supervisor, type SupervisorOptions } from '../../../core/host/supervisor.ts';

const log: Log = { debug() {}, info() {}, warn() {}, error() {} };

function supervise(create: (attempt: number, signal: AbortSignal) => Supervisable, more: Partial<SupervisorOptions<Supervisable>> = {}) {
  const states: InstanceInfo['state'][] = [];
  let attempts = 0;
  const supervisor = new Supervisor({
    kind: 'source',
    name: 'it',
    use: 'plugin',
    log,
    startDeadline: 200,
    stopDeadline: 200,
    create: (signal) => create(++attempts, signal),
    changed: ({ state }) => states.push(state),
    ...more,
  });
  return { supervisor, states, attempts: () => attempts };
}

/** Fails as often as told, and asks for hardly any delay. */
const soon = (text: string) => new RetryableError(text, { afterMs: 1 });

describe('a supervisor', () => {
  it('makes a fresh instance after each failure of create, start or the running instance', async () => {
    const { supervisor, attempts, states } = supervise((attempt) => {
      if (attempt === 1) throw soon('create');
      return {
        start: async () => {
          if (attempt === 2) throw soon('start');
        },
      };
    });
    await supervisor.start();
    expect(supervisor.info).toMatchObject({ state: 'waiting', error: 'create' });
    await expect.poll(() => supervisor.info.state).toBe('running');
    supervisor.fail(soon('later'));
    await expect.poll(attempts).toBe(4);
    await expect.poll(() => supervisor.info).toMatchObject({ state: 'running', restarts: 3 });
    await supervisor.stop();
    expect(states.at(-1)).toBe('stopped');
  });

  it('keeps the message of a permanent error, and does not try again', async () => {
    const { supervisor, attempts } = supervise(() => {
      throw new PermanentError('the table is missing; create it with: cauce schema apply');
    });
    await supervisor.start();
    expect(supervisor.info).toMatchObject({ state: 'failed', error: 'the table is missing; create it with: cauce schema apply' });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(attempts()).toBe(1);
    await supervisor.stop();
  });

  it('gives up on a start and a stop that hang, and says which', async () => {
    const warn = vi.fn();
    const hangs = () => new Promise<void>(() => undefined);
    const { supervisor } = supervise(() => ({ start: hangs, stop: hangs }), { log: { ...log, warn } });
    await supervisor.start();
    expect(supervisor.info.state).toBe('waiting');
    expect(supervisor.info.error).toBe('starting it took longer than 0.2 s');
    await supervisor.stop();
    expect(warn).toHaveBeenCalledWith('did not stop cleanly', { instance: 'it', error: 'stopping it took longer than 0.2 s' });
  });

  it('aborts the signal of an instance before it stops it', async () => {
    const seen: string[] = [];
    const { supervisor } = supervise((_attempt, signal) => {
      signal.addEventListener('abort', () => seen.push('abort'));
      return { stop: async () => void seen.push('stop') };
    });
    await supervisor.start();
    await supervisor.stop();
    expect(seen).toEqual(['abort', 'stop']);
  });

  it('restarts an instance whose own work fails', async () => {
    let times = 0;
    const { supervisor, attempts } = supervise(() => ({}), {
      attend: async (_instance, signal) => {
        if (++times === 1) throw soon('the work broke');
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      },
    });
    await supervisor.start();
    await expect.poll(attempts).toBe(2);
    await expect.poll(() => supervisor.info.state).toBe('running');
    await supervisor.stop();
  });
});
