import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memoryState, silent } from '../../../core/conformance/stand.ts';
import { RetryableError, type Source } from '../../../core/contract/index.ts';
import { Agent } from '../../../core/host/agent.ts';
import { readConfiguration } from '../../../core/host/configuration.ts';
import { createLog } from '../../../core/telemetry/log.ts';
import { HOUR, hourOf } from '../../../plugins/cassandra/keys.ts';
import plugin from '../../../plugins/cassandra-logs/index.ts';
import { describeWithCassandra } from '../../cassandra/shared.ts';
import { engine, member } from '../../core/query/sources.ts';
import { line, touch } from './query-stage.ts';
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
async function started<T>(stage: Stage, use: (source: Source) => Promise<T>, more: object = {}): Promise<T> {
  const source = create({ ...stage.options, ...more });
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

  it('tells that the rows are kept otherwise than it says, as soon as it is started, and when it is looked at', async () => {
    const other = await openStage();
    const run = { signal: forever, note: () => undefined };
    const otherwise = (keep: string, is: string) =>
      `but the newest line, of the host here, expires ${is} after its time: set keep: ${keep} in the sink of its writer as well, or mend it here`;
    try {
      await other.writeRows([line('old', BEGIN)]);
      await started(
        other,
        async (source) => {
          await expect.poll(() => source.retention?.describe()).toContain(otherwise('30 days', '90 days'));
          expect((await source.probe?.(forever))?.detail).toContain(otherwise('30 days', '90 days'));
          const age = Math.floor((Date.now() - (BEGIN + HOUR) / 1000) / 1000);
          await other.writer('here').lines([line('new', BEGIN + HOUR)], 30 * 86_400 - age);
          await touch(other, 'app', BEGIN + HOUR);
          await source.volume?.(run);
          expect(source.retention?.describe()).not.toContain('newest line');
          expect((await source.probe?.(forever))?.detail).not.toContain('newest line');
        },
        { keep: '30d' },
      );
      await started(other, async (source) => {
        await source.retention?.apply({ dryRun: true }, forever);
        expect(source.retention?.describe()).toBe(`lines expire 90 days after their time (TTL); ${otherwise('90 days', '30 days')}`);
      });
    } finally {
      await other.close();
    }
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

  it('says what it waits for when a node hangs, also to a command that opens the sources itself', async () => {
    const sockets = new Set<Socket>();
    const hanging = createServer((socket) => void sockets.add(socket.on('error', () => undefined)));
    hanging.listen(0, '127.0.0.1');
    await once(hanging, 'listening');
    const folder = await mkdtemp(join(tmpdir(), 'cauce-'));
    const host = `127.0.0.1:${(hanging.address() as AddressInfo).port}`;
    const config = join(folder, 'cauce.yaml');
    const archive = `{ use: cassandra-logs, hosts: "${host}", connect_timeout: 10s, timeout: 10s }`;
    await writeFile(config, `agent: { state: "${join(folder, 'state')}" }\nsources:\n  archive: ${archive}\n`);
    const settings = await readConfiguration(config);
    const agent = await Agent.open({ settings, log: createLog({ level: 'error', console: 'json' }), version: '0', visit: true });
    try {
      await agent.start();
      const { sources } = await agent.services.query('logs', {}, forever);
      expect(sources[0]?.error).toContain(`no node has answered yet at ${host}`);
    } finally {
      for (const socket of sockets) socket.destroy();
      hanging.close();
      await agent.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
