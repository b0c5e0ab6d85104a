import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memoryState, silent } from '../../../core/conformance/stand.ts';
import { RetryableError, type Source } from '../../../core/contract/index.ts';
import { HOUR, hourOf } from '../../../plugins/cassandra/keys.ts';
import plugin from '../../../plugins/cassandra-logs/index.ts';
import { describeWithCassandra } from '../../cassandra/shared.ts';
import { engine, member } from '../../core/query/sources.ts';
import { line } from './query-stage.ts';
import { forever, openStage, type Stage } from './store-stage.ts';

const BEGIN = hourOf(Date.now() * 1000) - 5 * HOUR;

function create(options: object): Source {
  const context = {
    id: 'archive',
    host: 'here',
    options: plugin.options.parse(options),
    log: silent,
    signal: forever,
    state: memoryState(),
  };
  return plugin.create(context as never);
}

/** As after a restart: nothing is known but what is in the tables. */
async function started<T>(stage: Stage, use: (source: Source) => Promise<T>): Promise<T> {
  const source = create(stage.options);
  await source.start?.(forever);
  try {
    return await use(source);
  } finally {
    await source.stop?.();
  }
}

describeWithCassandra('the source of logs in Cassandra', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  }, 60_000);
  afterAll(() => stage?.close(), 60_000);

  it('is a mirror with a name of its own, and says of an empty store that it is well', async () => {
    await started(stage, async (source) => {
      expect(source).toMatchObject({ type: 'logs', mirror: true, label: `Cassandra (${stage.options.keyspace}.application_logs)` });
      expect(await source.volume?.({ signal: forever, note: () => undefined })).toEqual({});
      expect(await source.probe?.(forever)).toEqual({ ok: true, detail: expect.stringContaining('1 of 1 node') });
    });
  });

  it('goes on with a cursor after a restart, also where lines have the same time', async () => {
    const lines = Array.from({ length: 250 }, (_, n) => line(`id${n}`, BEGIN + Math.floor(n / 40), { n, level: n % 2 ? 'INFO' : 'ERROR' }));
    await stage.writeRows(lines);
    const where = [{ field: 'level', op: '=' as const, value: 'INFO' }];
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await started(stage, (source) =>
        engine([member('archive', source)]).query('logs', { where, limit: 30, ...(cursor && { cursor }) }, forever),
      );
      expect(page.notes).toEqual([]);
      seen.push(...page.entries.map(({ id }) => id));
      cursor = page.next;
    } while (cursor);
    const wanted = lines.filter(({ body }) => body.includes('INFO')).sort((a, b) => b.time - a.time || (a.id < b.id ? 1 : -1));
    expect(seen).toEqual(wanted.map(({ id }) => id));
  });

  it('tells the times of its ends, one of them in years to come', async () => {
    const ahead = BEGIN + 24 * 365 * 3 * HOUR;
    await stage.writeRows([line('old', BEGIN - 24 * 60 * HOUR), line('ahead', ahead)]);
    await started(stage, async (source) => {
      expect(await source.volume?.({ signal: forever, note: () => undefined })).toEqual({ oldest: BEGIN - 24 * 60 * HOUR, newest: ahead });
      expect((await source.probe?.(forever))?.newest).toBe(ahead);
    });
  });
});

describe('without a cluster', () => {
  it('starts all the same, and says what to mend when it is asked', async () => {
    const source = create({ hosts: '127.0.0.1:1' });
    await source.start?.(forever);
    try {
      const asked = source.query?.run({ from: 0, to: 1, order: 'newest', where: [] }, { signal: forever, note: () => undefined });
      const failure = await asked?.[Symbol.asyncIterator]()
        .next()
        .catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(RetryableError);
      expect((failure as Error).message).toMatch(/no node answers at 127\.0\.0\.1:1 .*; start one, or mend hosts, port and tls/);
    } finally {
      await source.stop?.();
    }
  });
});
