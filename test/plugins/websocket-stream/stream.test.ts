import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Live, live, openStand, type Stand } from './stand.ts';

let stand: Stand;
let app: Live;
beforeEach(() => {
  app = live('app');
});
afterEach(() => stand.close());

describe('a stream', () => {
  test('says where it begins, that it has caught up, and then every entry as it was written', async () => {
    stand = await openStand([app.member]);
    app.push('{"old":1}');
    const reader = await stand.connect('type=logs').live();
    const odd = '{"id":12345678901234567890, "f":1.0,"e":1e3,"id":1,"text":"ñ € 😀 \\u0041"}';
    app.push(odd);
    await reader.until(() => reader.entries.length === 1);
    expect(reader.frames.slice(0, 2)).toEqual([
      { event: 'hello', position: { app: { '': '1' } }, missing: [] },
      { event: 'caught-up', position: { app: { '': '1' } }, missing: [] },
    ]);
    expect(reader.texts[2]).toBe(`{"type":"logs","source":"app","lane":"","cursor":"2","data":${odd}}`);
  });

  test('resumes exactly, by the position that its client folded', async () => {
    const other = live('other');
    stand = await openStand([app.member, other.member]);
    const first = await stand.connect('type=logs').live();
    app.push('{"n":1}', '{"n":2}');
    await first.until(() => first.entries.length === 2);
    first.socket.terminate();
    app.push('{"n":3}');
    other.push('{"n":4}');
    const second = await stand.connect(`type=logs&after=${first.after}`).live();
    app.push('{"n":5}');
    await second.until(() => second.entries.length === 3);
    expect(second.entries.map((frame) => frame.data.n).sort()).toEqual([3, 4, 5]);
  });

  test('obeys the conditions of a query', async () => {
    stand = await openStand([app.member, live('m', 'metrics').member]);
    const reader = await stand.connect(`type=logs&level=error&where=${encodeURIComponent('n>=2')}`).live();
    app.push('{"level":"ERROR","n":1}', '{"level":"INFO","n":2}', '{"level":"ERROR","n":3}');
    await reader.until(() => reader.entries.length === 1);
    expect(reader.entries[0].data).toEqual({ level: 'ERROR', n: 3 });
  });

  test('names what is missing', async () => {
    stand = await openStand([app.member, { name: 'down', type: 'logs', label: 'down', mirror: false, error: 'no such file' }]);
    const reader = await stand.connect('type=logs').live();
    expect(reader.events('hello')[0].missing).toEqual([{ source: 'down', reason: 'no such file' }]);
    const none = await stand.connect('type=metrics').live();
    expect(none.events('hello')[0]).toMatchObject({ position: {}, missing: [{ reason: expect.stringContaining('metrics') }] });
  });

  test('serves many clients the same bytes', async () => {
    stand = await openStand([app.member]);
    const readers = await Promise.all(Array.from({ length: 20 }, () => stand.connect('type=logs').live()));
    app.push(...Array.from({ length: 300 }, (_, n) => `{"n":${n}}`));
    for (const reader of readers) await reader.until(() => reader.entries.length === 300);
    const texts = readers.map((reader) => reader.texts.slice(2).join('\n'));
    expect(new Set(texts).size).toBe(1);
  });
});

describe('a client that does not read', () => {
  test('costs no memory and no other client, and is told what it missed', async () => {
    stand = await openStand([app.member], { options: { max_buffer: '256KiB', heartbeat: '60s' } });
    const stalled = await stand.connect('type=logs').live();
    const all = await stand.connect('type=logs&policy=complete').live();
    stalled.socket.pause();
    const pad = 'x'.repeat(4900);
    const total = 10_000;
    let peak = 0;
    for (let n = 0; n < total; n += 250) {
      app.push(...Array.from({ length: 250 }, (_, i) => `{"n":${n + i},"pad":"${pad}"}`));
      await all.until(() => all.entries.length === n + 250);
      all.texts.length = 0;
      for (const frame of all.frames) if ('data' in frame) delete frame.data.pad;
      peak = Math.max(peak, ...stand.connections.map((connection) => connection.writableLength));
    }
    expect(all.entries.map((frame) => frame.data.n)).toEqual(Array.from({ length: total }, (_, n) => n));
    expect(peak).toBeGreaterThan(200 * 1024);
    expect(peak).toBeLessThan(256 * 1024 + 2 * pad.length);
    stalled.socket.resume();
    const skipped = () => stalled.events('gap').reduce((sum, gap) => sum + gap.count, 0);
    await stalled.until(() => stalled.entries.length + skipped() === total);
    expect(skipped()).toBeGreaterThan(0);
    expect(stalled.entries.at(-1).data.n).toBe(total - 1);
  });
});

describe('the end', () => {
  test('comes with a good-bye to every client when the agent stops, also to those that do not read', async () => {
    stand = await openStand([app.member]);
    const readers = await Promise.all(Array.from({ length: 5 }, () => stand.connect('type=logs').live()));
    const deaf = await stand.connect('type=logs').live();
    deaf.socket.pause();
    await stand.stop();
    for (const reader of readers) {
      expect(await reader.closed).toMatchObject({ code: 1001, reason: expect.stringContaining('position') });
      expect(reader.frames.at(-1)).toMatchObject({ event: 'bye', reason: expect.any(String) });
    }
    await expect(stand.handshake('?type=logs')).rejects.toThrow('ECONNREFUSED');
  });

  test('comes to a client that sends a message', async () => {
    stand = await openStand([app.member]);
    for (const message of ['hello', Buffer.from([1, 2])]) {
      const reader = await stand.connect('type=logs').live();
      reader.socket.send(message);
      expect(await reader.closed).toMatchObject({ code: 1008, reason: expect.stringContaining('no messages') });
      expect(reader.frames.at(-1)).toMatchObject({ event: 'bye' });
    }
    const big = await stand.connect('type=logs').live();
    big.socket.send('x'.repeat(70_000));
    expect(await big.closed).toMatchObject({ code: 1009 });
  });

  test('comes to a peer that is dead, and to no other', async () => {
    stand = await openStand([app.member], { options: { heartbeat: '60ms' } });
    const well = await stand.connect('type=logs').live();
    const dead = await stand.connect('type=logs', { autoPong: false }).live();
    expect((await dead.closed).code).toBe(1006);
    app.push('{"n":1}');
    await well.until(() => well.entries.length === 1);
    expect(well.socket.readyState).toBe(well.socket.OPEN);
  });

  test('comes with a reason when the feed ends or fails', async () => {
    const hello = { event: 'hello', position: {}, missing: [] } as const;
    let fails = false;
    stand = await openStand([app.member], {
      agent: {
        async *follow() {
          yield hello;
          if (fails) throw new TypeError('internal: secret');
        },
      },
    });
    const ended = stand.connect('type=logs');
    expect(await ended.closed).toMatchObject({ code: 1013 });
    expect(ended.frames).toEqual([hello, { event: 'bye', reason: expect.stringContaining('come back') }]);
    fails = true;
    const failed = stand.connect('type=logs');
    expect(await failed.closed).toMatchObject({ code: 1011 });
    expect(failed.texts.join()).not.toContain('secret');
    expect(stand.errors).toEqual(['a stream failed']);
  });

  test('of a client ends what it followed', async () => {
    let seen: AbortSignal | undefined;
    const member = { ...app.member };
    stand = await openStand([member], {
      agent: {
        async *follow(_type, _options, signal) {
          seen = signal;
          yield { event: 'hello', position: {}, missing: [] };
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
        },
      },
    });
    const reader = stand.connect('type=logs');
    await reader.until(() => reader.frames.length === 1);
    expect(seen?.aborted).toBe(false);
    reader.socket.terminate();
    await reader.until(() => seen?.aborted === true);
  });
});
