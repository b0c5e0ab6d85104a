import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Log, PermanentError, RetryableError } from '../../../core/contract/index.ts';
import { StoreKeeper } from '../../../plugins/cassandra/keeper.ts';
import type { Opened } from '../../../plugins/cassandra/schema.ts';

/** No cluster opens its store late, or after it is to be closed, when a test wants it; so this is what stands for one. */
function standIn() {
  let closed = 0;
  const opened = { session: { close: async () => void closed++ }, store: { keyspace: 'k', shards: 8 } } as unknown as Opened;
  return { opened, closed: () => closed };
}

function recorder() {
  const told: string[] = [];
  const tell = (level: string) => (text: string) => void told.push(`${level}: ${text}`);
  return { told, log: { debug: tell('debug'), info: tell('info'), warn: tell('warn'), error: tell('error') } satisfies Log };
}

const { signal } = new AbortController();

describe('a store that is kept open', () => {
  it('is open after the start, and closed by stop()', async () => {
    const { opened, closed } = standIn();
    const { log, told } = recorder();
    const keeper = new StoreKeeper(['node:9042'], async () => opened, log);
    expect(() => keeper.now()).toThrow(RetryableError);
    await keeper.start(signal);
    expect(keeper.now()).toBe(opened);
    await keeper.stop();
    expect(closed()).toBe(1);
    expect(told).toEqual([]);
    expect(() => keeper.now()).toThrow();
  });

  it('is tried again until it opens; each reason is told once, and why it is closed is thrown', async () => {
    const { opened } = standIn();
    const { log, told } = recorder();
    const answers = [new RetryableError('down'), new RetryableError('down'), new PermanentError('another table')];
    const keeper = new StoreKeeper(
      ['node:9042'],
      async () => {
        const error = answers.shift();
        if (error) throw error;
        return opened;
      },
      log,
    );
    await keeper.start(signal);
    expect(() => keeper.now()).toThrow('down');
    await expect.poll(() => told.length, { timeout: 60_000 }).toBe(3);
    expect(keeper.now()).toBe(opened);
    expect(told).toEqual([
      'warn: Cassandra cannot be used yet; it is tried again',
      'error: Cassandra cannot be used yet; it is tried again',
      'info: connected to Cassandra',
    ]);
    await keeper.stop();
  });

  it('is not waited for when it takes long to open, neither by the start nor by stop(), and is closed when it comes then', async () => {
    const { opened, closed } = standIn();
    let open: (opened: Opened) => void = () => undefined;
    const keeper = new StoreKeeper(['node:9042'], () => new Promise((resolve) => (open = resolve)), recorder().log);
    await keeper.start(signal);
    expect(() => keeper.now()).toThrow(/no node has answered yet at node:9042/);
    await keeper.stop();
    expect(closed()).toBe(0);
    open(opened);
    await expect.poll(closed).toBe(1);
    expect(() => keeper.now()).toThrow();
  });

  it('is not tried any more after stop()', async () => {
    let tries = 0;
    const keeper = new StoreKeeper(
      ['node:9042'],
      async () => {
        tries++;
        throw new RetryableError('down');
      },
      recorder().log,
    );
    await keeper.start(signal);
    await keeper.stop();
    const before = tries;
    await sleep(1200);
    expect(tries).toBe(before);
  });

  it('a start ends with its signal', async () => {
    const controller = new AbortController();
    const keeper = new StoreKeeper(['node:9042'], () => new Promise(() => undefined), recorder().log);
    const starting = keeper.start(controller.signal);
    controller.abort(new Error('not any more'));
    await expect(starting).rejects.toThrow('not any more');
    await keeper.stop();
  });
});
