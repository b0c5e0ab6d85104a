import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { RetryableError } from '../../../core/contract/index.ts';
import { hourOf } from '../../../plugins/cassandra/keys.ts';
import { describeWithCassandra } from '../../cassandra/shared.ts';
import {
  counting,
  follower,
  following,
  forever,
  type Given,
  linesOf,
  openStage,
  openWire,
  type Stage,
  sleep,
  stored,
  whole,
} from './store-stage.ts';

const POLL = { timeout: 15_000, interval: 20 };
const ids = (lines: readonly Given[]) => lines.map(({ id }) => id);

async function isBack({ session }: Stage['access']): Promise<boolean> {
  return session()
    .execute({ query: 'SELECT key FROM system.local', params: [] })
    .then(
      () => true,
      () => false,
    );
}

describeWithCassandra('following logs in Cassandra', () => {
  let stage: Stage;
  const open: { close(): Promise<void> }[] = [];

  beforeEach(async () => {
    stage = await openStage();
  }, 60_000);
  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.close()));
    await stage.close();
  }, 60_000);

  async function follow(...args: Parameters<typeof following> extends [unknown, ...infer R] ? R : never) {
    const reader = await following(stage, ...args);
    open.push(reader);
    return reader;
  }

  it('yields each new line once, in the order of the batches, and nothing that was there before', async () => {
    const writer = stage.writer('here');
    await writer.write(linesOf('old', 20));
    const reader = await follow({ after: 'end' });
    // Between those that were there, and written by another agent later: the batch names the same time.
    await writer.write(linesOf('new', 20));
    await expect.poll(reader.ids, POLL).toHaveLength(20);
    await writer.write(linesOf('older', 5, 30));
    await expect.poll(reader.ids, POLL).toHaveLength(25);
    await sleep(200);
    expect(reader.ids()).toEqual([...ids(linesOf('new', 20)), ...ids(linesOf('older', 5, 30))]);
  });

  it('reads from the beginning by time, across services and shards, and then what comes', async () => {
    const writer = stage.writer('there');
    await writer.write([...linesOf('b', 30, 2), ...linesOf('c', 30, 2, { service: 'worker' })]);
    await writer.write(linesOf('a', 30, 26));
    const reader = await follow({ after: 'beginning' });
    await expect.poll(reader.ids, POLL).toHaveLength(90);
    const [b, c] = [ids(linesOf('b', 30, 2)), ids(linesOf('c', 30, 2))];
    expect(reader.ids()).toEqual([...ids(linesOf('a', 30, 26)), ...b.flatMap((id, n) => [id, c[n]])]);
    expect(reader.seen[0]?.origin).toBe('there');
    // Of an agent whose clock is behind, so that they seem to be of the time before the reading began.
    await stage.writer('behind', () => Date.now() - 20_000).write(linesOf('d', 3, 50));
    await expect.poll(reader.ids, POLL).toHaveLength(93);
    expect(new Set(reader.ids()).size).toBe(93);
  });

  it('resumes behind any entry without losing one', async () => {
    const writer = stage.writer('here');
    for (let n = 0; n < 4; n++) await writer.write(linesOf(`w${n}`, 10, 3 - n));
    const reader = await follow({ after: 'beginning' });
    await expect.poll(reader.ids, POLL).toHaveLength(40);
    for (let n = 4; n < 8; n++) await writer.write(linesOf(`w${n}`, 10, n));
    await expect.poll(reader.ids, POLL).toHaveLength(80);
    const known = reader.ids();
    const { start: until } = await follower(stage).open({ after: 'end' }, forever);
    for (const at of [0, 13, 39, 40, 55, 79]) {
      const again = await whole(stage, { '': (reader.seen[at] as { cursor: string }).cursor }, until);
      const got = new Set(again.map(({ id }) => id));
      expect(known.slice(at + 1).filter((id) => !got.has(id))).toEqual([]);
    }
  });

  it('resumes within batches of long ago, and goes on from there', async () => {
    const past = stage.writer('past', () => Date.now() - 600_000);
    const long = Date.now() - 700_000;
    for (let n = 0; n < 3; n++) await past.write(linesOf(`w${n}`, 10, n));
    const reader = await follow({ after: { '': `${long}.${long}` } });
    await expect.poll(reader.ids, POLL).toHaveLength(30);
    for (const at of [0, 9, 10, 15, 29]) {
      const again = await follow({ after: { '': (reader.seen[at] as { cursor: string }).cursor } });
      const missing = () =>
        reader
          .ids()
          .slice(at + 1)
          .filter((id) => !again.ids().includes(id));
      await expect.poll(missing, POLL).toEqual([]);
    }
    await stage.writer('here').write(linesOf('last', 1));
    await expect.poll(reader.ids, POLL).toHaveLength(31);
    const settled = Number((reader.seen[30] as { cursor: string }).cursor.split('.')[0]);
    expect(settled).toBeGreaterThan(Date.now() - 500_000);
  });

  it('sees lines that are told late, of a writer whose clock differs, and in the same microsecond', async () => {
    const behind = stage.writer('behind', () => Date.now() - 20_000);
    const ahead = stage.writer('ahead', () => Date.now() + 20_000);
    const reader = await follow({ after: 'end' });
    const late = linesOf('late', 4, 2).map((line) => stored('here', line));
    const begun = Date.now();
    const writer = stage.writer('here');
    await writer.lines(late);
    const same = linesOf('same', 10).map((line) => ({ ...line, time: hourOf(Date.now() * 1000) }));
    await Promise.all([ahead.write(linesOf('a', 5)), behind.write(linesOf('b', 5)), writer.write(same)]);
    await expect.poll(reader.ids, POLL).toHaveLength(20);
    await writer.tell(late, begun, begun - 100);
    await expect.poll(reader.ids, POLL).toHaveLength(24);
    expect(new Set(reader.ids()).size).toBe(24);
  });

  it('reads each batch once, and what is written again when that is told', async () => {
    const writer = stage.writer('here');
    const reader = await follow({ after: 'end' });
    await writer.write(linesOf('a', 10));
    await expect.poll(reader.ids, POLL).toHaveLength(10);
    const again = linesOf('a', 10).map((line) => stored('here', line));
    const begun = Date.now();
    await writer.lines(again);
    await stage.writer('here').write(linesOf('other', 1, 9));
    await expect.poll(reader.ids, POLL).toHaveLength(11);
    await sleep(200);
    expect(reader.ids()).toHaveLength(11);
    await writer.tell(again, begun);
    await expect.poll(reader.ids, POLL).toHaveLength(21);
  });

  it('does not yield again what another agent wrote long before between the lines of a late batch', async () => {
    const writer = stage.writer('here', () => Date.now() - 3_600_000);
    await writer.write(linesOf('old', 20));
    // Its lines have the present as their time of writing, as those of a writer that began just now.
    const access = { ...stage.access };
    const reader = await follow({ after: 'end' }, { ...access, options: { every: 20, overlap: 100 } });
    await sleep(300);
    const apart = linesOf('apart', 20);
    await stage.writer('there').write([apart[0] as Given, apart[19] as Given]);
    await expect.poll(reader.ids, POLL).toHaveLength(2);
    await sleep(200);
    expect(reader.ids()).toEqual(['apart.00000', 'apart.00019']);
  });

  it('stops at the position that it was given, from the beginning and from a mark', async () => {
    const writer = stage.writer('here');
    const { start } = await follower(stage).open({ after: 'end' }, forever);
    await writer.write(linesOf('a', 10));
    await sleep(5);
    const { start: until } = await follower(stage).open({ after: 'end' }, forever);
    await sleep(5);
    await writer.write(linesOf('b', 5));
    expect((await whole(stage, 'beginning', until)).map(({ id }) => id)).toEqual(ids(linesOf('a', 10)));
    const between = new Set((await whole(stage, start, until)).map(({ id }) => id));
    for (const { id } of linesOf('a', 10)) expect(between).toContain(id);
    expect(await whole(stage, 'beginning', {})).toEqual([]);
  });

  it('reads the hours that were written to since, when the log of batches has the position no more', async () => {
    const writer = stage.writer('here');
    const long = Date.now() - 20 * 86_400_000;
    await stage.writer('past', () => long - 86_400_000).write(linesOf('past', 10, 25 * 24));
    await writer.write(linesOf('missed', 10, 8 * 24));
    const { access } = stage;
    await access.session().client.execute(`TRUNCATE ${access.store().keyspace}.log_batches`);
    const reader = await follow({ after: { '': `${long}.${long}` } });
    await expect.poll(reader.ids, POLL).toHaveLength(10);
    expect(reader.lost).toEqual([]);
    await writer.write(linesOf('new', 3));
    await expect.poll(reader.ids, POLL).toHaveLength(13);
    expect(reader.ids()).toEqual([...ids(linesOf('missed', 10, 8 * 24)), ...ids(linesOf('new', 3))]);
  });

  it('says that lines may have expired unread', async () => {
    const long = Date.now() - 100 * 86_400_000;
    const { lost } = await follow({ after: { '': `${long}.${long}` } });
    expect(lost).toMatchObject([{ lane: '', reason: expect.stringContaining('expired unread') }]);
  });

  it('fails when the node is out of reach, and goes on behind its last entry when it is back', async () => {
    const wire = await openWire();
    const way = await stage.through(wire);
    open.push(way);
    const reader = await following(stage, { after: 'end' }, way.access);
    const ended = expect(reader.ended).rejects.toBeInstanceOf(RetryableError);
    await stage.writer('here').write(linesOf('a', 10));
    await expect.poll(reader.ids, POLL).toHaveLength(10);
    await wire.cut();
    await stage.writer('here').write(linesOf('b', 10));
    await ended;
    const after = { '': (reader.seen.at(-1) as { cursor: string }).cursor };
    await expect(follower(stage, way.access).open({ after: 'end' }, forever)).rejects.toBeInstanceOf(RetryableError);
    await wire.mend();
    await expect.poll(() => isBack(way.access), POLL).toBe(true);
    const again = await follow({ after }, way.access);
    await expect.poll(() => again.ids().filter((id) => id.startsWith('b')), POLL).toEqual(ids(linesOf('b', 10)));
    await again.close();
    await wire.cut();
  });

  it('sees all that two sinks write at once', async () => {
    const reader = await follow({ after: 'end' });
    const expected: string[] = [];
    const write = async (host: string) => {
      for (let n = 0; n < 5; n++) {
        const lines = linesOf(`${host}.${n}`, 200, n % 2);
        expected.push(...ids(lines));
        await stage.writeRows(lines.map((line) => stored(host, line)));
      }
    };
    await Promise.all([write('one'), write('two')]);
    await expect.poll(() => reader.ids().length, POLL).toBeGreaterThanOrEqual(expected.length);
    expect(reader.ids().toSorted()).toEqual(expected.toSorted());
  });

  it('opens at the end without reading a line, whatever was written just before', async () => {
    const { access, read } = counting(stage.access);
    const writer = stage.writer('here');
    for (let n = 0; n < 20; n++) await writer.write(linesOf(`old${n}`, 5, n % 3));
    const reader = await follow({ after: 'end' }, access);
    expect(read.rows).toBe(0);
    // Their batches name the times of those that were there.
    await stage.writeRows([...linesOf('new', 5), ...linesOf('older', 5, 2)].map((line) => stored('there', line)));
    await expect.poll(reader.ids, POLL).toHaveLength(10);
    await sleep(200);
    expect(reader.ids().toSorted()).toEqual([...ids(linesOf('new', 5)), ...ids(linesOf('older', 5, 2))].toSorted());
  });

  it('misses nothing of a writer whose clock differs when it is opened at the end while that writes', async () => {
    const expected: string[] = [];
    const readers: Awaited<ReturnType<typeof follow>>[] = [];
    for (const [name, skew] of [['behind', -40_000] as const, ['ahead', 40_000] as const]) {
      const writer = stage.writer(name, () => Date.now() + skew);
      const rows = linesOf(name, 10).map((line) => stored(name, line));
      const begun = Date.now() + skew;
      await writer.lines(rows.slice(0, 5));
      readers.push(await follow({ after: 'end' }));
      await writer.lines(rows.slice(5));
      await writer.tell(rows, begun);
      expected.push(...ids(linesOf(name, 10)));
    }
    const [first, second] = readers;
    await expect.poll(() => first?.ids().toSorted(), POLL).toEqual(expected.toSorted());
    await expect.poll(() => second?.ids().toSorted(), POLL).toEqual(expected.slice(10));
  });

  it('reads batches of one hour together when it resumes, however many there are', async () => {
    const { access, read } = counting(stage.access);
    const long = Date.now() - 1000;
    const writer = stage.writer('here');
    // Each has the begin of the hour and its end, and more of them than were once read at a time.
    for (let n = 0; n < 250; n++) {
      const [a, b] = linesOf(`w${n}`, 2) as [Given, Given];
      await writer.write([a, { ...b, time: a.time + 3_500_000_000 + n }]);
    }
    const reader = await follow({ after: { '': `${long}.${long}` } }, access);
    await expect.poll(() => new Set(reader.ids()).size, POLL).toBe(500);
    expect(read.rows).toBeLessThan(750);
  });

  it('refuses what is no cursor', async () => {
    await expect(follower(stage).open({ after: { '': 'x' } }, forever)).rejects.toMatchObject({ code: 'ERR_REQUEST', parameter: 'after' });
  });

  it('tells an idle follower where it stands now', async () => {
    let now = Date.now();
    const reader = await follow({ after: 'end' }, { now: () => now });
    now += 120_000;
    await expect.poll(() => reader.all.length, POLL).toBe(1);
    expect(reader.all[0]).toMatchObject({ entries: [], cursor: expect.stringMatching(`^${now - 60_000}\\.`) });
  });
});

describeWithCassandra('a follower that is opened again and again, while two agents write', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  }, 60_000);
  afterAll(() => stage.close(), 60_000);

  it('loses nothing, whatever is written when', async () => {
    const plan = fc.array(
      fc.record({
        writer: fc.constantFrom('one', 'two'),
        hours: fc.integer({ min: 0, max: 3 }),
        lines: fc.integer({ min: 1, max: 30 }),
        late: fc.boolean(),
        reopen: fc.boolean(),
      }),
      { minLength: 3, maxLength: 12 },
    );
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(plan, async (steps) => {
        const run = `r${++runs}`;
        const expected = new Set<string>();
        const got = new Set<string>();
        let reader = await following(stage, { after: steps[0]?.reopen ? 'beginning' : 'end' });
        let place = reader.start;
        const take = async () => {
          await reader.close();
          const last = reader.seen.at(-1);
          // Not behind the last one, as after a crash that lost the end.
          const kept = reader.seen[Math.floor(reader.seen.length / 2)];
          for (const { id } of reader.seen.slice(0, kept ? reader.seen.indexOf(kept) + 1 : 0)) got.add(id);
          if (kept && last) place = { '': kept.cursor };
        };
        const pending: (() => Promise<void>)[] = [];
        for (const [index, step] of steps.entries()) {
          const lines = linesOf(`${run}.${index}`, step.lines, step.hours, { service: step.hours > 1 ? 'api' : 'worker' });
          for (const { id } of lines) expected.add(id);
          const writer = stage.writer(step.writer);
          const begun = Date.now();
          const rows = lines.map((line) => stored(step.writer, line));
          await writer.touch(rows);
          await writer.lines(rows);
          await writer.touch(rows);
          const tell = () => writer.tell(rows, begun, begun);
          if (step.late) pending.push(tell);
          else await tell();
          if (!step.reopen) continue;
          await take();
          reader = await following(stage, { after: place });
        }
        for (const tell of pending) await tell();
        await expect.poll(() => [...expected].filter((id) => !got.has(id) && !reader.ids().includes(id)), POLL).toEqual([]);
        await reader.close();
      }),
      { numRuns: 12, seed: 20251107 },
    );
  }, 120_000);
});
