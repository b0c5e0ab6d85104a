import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ArchiveReader, ArchiveWriter, JsonObject, StatsRow } from '../../../core/contract/index.ts';
import { DAY, dayOf, HOUR, hourOf } from '../../../plugins/cassandra/keys.ts';
import { storeArchive } from '../../../plugins/cassandra-logs/archive.ts';
import { storeStats } from '../../../plugins/cassandra-logs/stats.ts';
import { describeWithCassandra } from '../../cassandra/shared.ts';
import { following, forever, type Given, linesOf, log, openStage, type Stage } from './store-stage.ts';

const ALL = { from: 0, to: Number.MAX_SAFE_INTEGER };

function runOf() {
  const notes: Record<string, number> = {};
  const note = (code: string, _text: string, count = 0) => {
    notes[code] = (notes[code] ?? 0) + count;
  };
  return { notes, signal: forever, note };
}

type Files = Map<string, { text: string; facts: JsonObject }>;

function memory(): { files: Files; writer: ArchiveWriter } {
  const files: Files = new Map();
  return {
    files,
    writer: {
      async file(path, body, facts) {
        const chunks: Uint8Array[] = [];
        for await (const chunk of body) chunks.push(chunk);
        files.set(path, { text: Buffer.concat(chunks).toString('utf8'), facts: facts() });
      },
    },
  };
}

/** Hands the files over in pieces of a few bytes, which cut characters and lines. */
function readerOf(files: Iterable<readonly [string, { text: string }]>, size = 7): ArchiveReader {
  return {
    async *files() {
      for (const [path, { text }] of files) {
        const bytes = Buffer.from(text);
        async function* body() {
          for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
        }
        yield { path, body: body(), facts: {} };
      }
    },
  };
}

describeWithCassandra('an archive of logs in Cassandra', () => {
  let stage: Stage;
  let other: Stage;
  beforeEach(async () => {
    [stage, other] = [await openStage(), await openStage()];
  }, 60_000);
  afterEach(() => Promise.all([stage.close(), other.close()]), 60_000);

  function archiveOf({ access, writeRows }: Stage) {
    return storeArchive({ ...access, writeRows });
  }

  async function rowsOf({ access }: Stage): Promise<string[]> {
    const { client } = access.session();
    const result = await client.execute(
      `SELECT service, hour, shard, time, id, host, source, level, line, body FROM ${access.store().keyspace}.application_logs`,
    );
    return result.rows
      .map((row) => JSON.stringify({ ...row }, (_key, value) => (typeof value === 'bigint' ? Number(value) : value)))
      .sort();
  }

  const lines: readonly Given[] = [
    ...linesOf('a', 30, 30, { body: { level: 'INFO', line: 3 } }),
    ...linesOf('b', 30, 30, { service: 'wörker', body: { text: 'line\u2028separator, "quotes"\nand 🎉' } }),
    ...linesOf('c', 30, 2, { body: { level: ['x'] } }),
  ];

  it('comes back as it was, in a file for each day, the oldest first', async () => {
    await stage.writer('there').write(lines);
    const { files, writer } = memory();
    await archiveOf(stage).export(writer, ALL, runOf());
    const days = [...new Set(lines.map(({ time }) => dayOf(time)))].sort();
    expect([...files.keys()]).toEqual(days.map((day) => `application_logs/${day}.jsonl`));
    for (const [path, { text, facts }] of files) {
      const begin = Date.parse(path.slice(-16, -6)) * 1000;
      expect(facts).toEqual({ lines: text.trimEnd().split('\n').length, from: begin, to: begin + DAY });
    }
    const archived = [...files.values()].flatMap(({ text }) => text.trimEnd().split('\n')).map((text) => JSON.parse(text));
    expect(archived.map(({ time }) => time)).toEqual(lines.map(({ time }) => time).toSorted((a, b) => a - b));
    const run = runOf();
    await archiveOf(other).restore(readerOf(files), run);
    expect(run.notes).toEqual({});
    expect(await rowsOf(other)).toEqual(await rowsOf(stage));
    await archiveOf(other).restore(readerOf(files, 1000), run);
    expect(await rowsOf(other)).toEqual(await rowsOf(stage));
  });

  it('exports exactly the lines of a range', async () => {
    await stage.writer('there').write(lines);
    const from = (lines[10] as Given).time;
    const { files, writer } = memory();
    await archiveOf(stage).export(writer, { from, to: from + 5_000_000 }, runOf());
    const [[, { text, facts }]] = [...files] as [[string, { text: string; facts: JsonObject }]];
    const ids = text
      .trimEnd()
      .split('\n')
      .map((one) => JSON.parse(one).id as string);
    expect(ids).toEqual([10, 11, 12, 13, 14].flatMap((n) => [`a.000${n}`, `b.000${n}`]));
    expect(facts).toEqual({ lines: 10, from, to: from + 5_000_000 });
  });

  it('gives lines the rest of their time, and counts what has expired and what is broken', async () => {
    const young = hourOf(Date.now() * 1000) - 10 * DAY;
    const line = (time: number, id: string) => JSON.stringify({ service: 'api', time, id, host: 'h', source: 's', body: '{}' });
    const text = [line(young, 'young'), line(young - 100 * DAY, 'old'), 'no json', '', line(young, 'not an id'), line(young, 'last')].join(
      '\n',
    );
    const run = runOf();
    const path = 'application_logs/2025-01-01.jsonl';
    await archiveOf(stage).restore(
      readerOf([
        [path, { text }],
        ['elsewhere/x.jsonl', { text }],
      ]),
      run,
    );
    expect(run.notes).toEqual({ expired: 1, [`malformed:${path}`]: 3 });
    const { access } = stage;
    const { rows } = await access.session().client.execute(`SELECT id, TTL(body) AS ttl FROM ${access.store().keyspace}.application_logs`);
    expect(rows.map((row) => row['id']).toSorted()).toEqual(['last', 'young']);
    for (const row of rows) expect(Math.abs(row['ttl'] - 80 * 86_400)).toBeLessThan(2 * 3600);
  });

  it('is seen by followers, and by statistics that were stored before', async () => {
    await stage.writer('there').write(lines);
    const { files, writer } = memory();
    await archiveOf(stage).export(writer, ALL, runOf());
    await other.writer('there').write(linesOf('x', 10, 2, { body: { level: 'WARN' } }));
    const stats = storeStats({ ...other.access, log, now: () => Date.now() + HOUR });
    const count = async () => {
      const rows: StatsRow[] = [];
      for await (const some of stats.run({ ...ALL, by: [], measures: [], where: [] }, runOf())) rows.push(...some);
      return rows[0]?.count;
    };
    expect(await count()).toBe(10);
    expect(await count()).toBe(10);
    const reader = await following(other, { after: 'end' });
    await archiveOf(other).restore(readerOf(files), runOf());
    await expect.poll(() => reader.ids().length, { timeout: 15_000 }).toBe(lines.length);
    await reader.close();
    expect(await count()).toBe(10 + lines.length);
  });
});
