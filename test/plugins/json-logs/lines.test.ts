import { appendFile, writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask, isoAt, line, microsAt, Reader, runOf, Stage, until } from './stage.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await Stage.open();
});
afterEach(() => stage.close());

const before = line(1);
const after = line(3);
const time = `"timestamp":"${isoAt(2)}"`;

/** Lines that must not hide, stall or crash anything; `good` ones are answered themselves. */
const HOSTILE: Record<string, { bytes: Buffer; good?: boolean; silent?: boolean }> = {
  'an array': { bytes: Buffer.from('[]') },
  'a number': { bytes: Buffer.from('1') },
  null: { bytes: Buffer.from('null') },
  'a string': { bytes: Buffer.from('"text"') },
  'no JSON': { bytes: Buffer.from('Traceback (most recent call last):') },
  'an object without a time': { bytes: Buffer.from('{"message":"x"}') },
  'an impossible date': { bytes: Buffer.from('{"timestamp":"2025-02-30T00:00:00Z"}') },
  'a time that no integer holds': { bytes: Buffer.from('{"timestamp":"9999-12-31T23:59:59Z"}') },
  'two objects': { bytes: Buffer.from(`{${time}}{${time}}`) },
  'half an object': { bytes: Buffer.from(`{${time},"message":"x`) },
  'a NUL in the middle': { bytes: Buffer.from(`{${time},"message":"a\0b"}`) },
  'a raw control character': { bytes: Buffer.from(`{${time},"message":"a\tb"}`) },
  'unclosed nesting': { bytes: Buffer.from('['.repeat(100_000)) },
  'nesting 100 000 deep': { bytes: Buffer.from(`{${time},"deep":${'['.repeat(100_000)}${']'.repeat(100_000)}}`), good: true },
  'lone surrogates': { bytes: Buffer.from(`{${time},"message":"\\ud800 \\udc00 \\udfff\\ud800"}`), good: true },
  'bad UTF-8': {
    bytes: Buffer.concat([Buffer.from(`{${time},"message":"`), Buffer.from([0xff, 0xc3, 0x28]), Buffer.from('"}')]),
    good: true,
  },
  'NULs in front': { bytes: Buffer.from(`\0\0\0{${time}}`), good: true },
  'a carriage return behind': { bytes: Buffer.from(`{${time}}\r`), good: true },
  'a carriage return between tokens': { bytes: Buffer.from(`{${time},\r"a":1}`), good: true },
  'blanks around': { bytes: Buffer.from(`  {${time}} \t `), good: true },
  'a numeric time': { bytes: Buffer.from(`{"timestamp":${microsAt(2) / 1e6}}`), good: true },
  'the same key twice': { bytes: Buffer.from(`{"timestamp":"2001-01-01T00:00:00Z",${time}}`), good: true },
  'an escaped key that wins': { bytes: Buffer.from(`{"timestamp":"2001-01-01T00:00:00Z","\\u0074imestamp":"${isoAt(2)}"}`), good: true },
  'a number too large': { bytes: Buffer.from(`{${time},"n":1e99999}`), good: true },
  'an own __proto__': { bytes: Buffer.from(`{${time},"__proto__":{"timestamp":1}}`), good: true },
  'line separators': { bytes: Buffer.from(`{${time},"message":"a\u2028b\u2029c"}`), good: true },
  'a line of 10 MB': { bytes: Buffer.from(`{${time},"message":"${'x'.repeat(10 * 1024 * 1024)}"}`), good: true },
  'an empty line': { bytes: Buffer.from(''), silent: true },
  'a blank line': { bytes: Buffer.from(' \t\r'), silent: true },
};

describe('hostile lines', () => {
  for (const [name, { bytes, good = false, silent = false }] of Object.entries(HOSTILE)) {
    it(`${name} hides no neighbour`, async () => {
      const newline = Buffer.from('\n');
      const content = Buffer.concat([Buffer.from(before), newline, bytes, newline, Buffer.from(after), newline]);
      await writeFile(stage.path('app.json.log'), content);
      const source = stage.source();
      const run = runOf(stage.signal);
      const drafts = await ask(source, {}, run);
      expect(drafts.map(({ time }) => time)).toEqual([microsAt(3), ...(good ? [microsAt(2)] : []), microsAt(1)]);
      expect([drafts[0]?.json, drafts.at(-1)?.json]).toEqual([after, before]);
      const malformed = run.notes.filter(({ code }) => code === 'malformed');
      expect(malformed.map(({ count }) => count)).toEqual(good || silent ? [] : [1]);
      if (malformed[0]) expect(malformed[0].text).toContain(`${stage.path('app.json.log')} at byte ${before.length + 1} (`);

      const { position } = await new Reader(source).open('end');
      const reader = await new Reader(source).open('beginning', position);
      await reader.done;
      expect(reader.seen.map(({ id }) => id)).toEqual(drafts.map(({ id }) => id).reverse());
      expect(reader.lost).toEqual([]);
    });
  }

  it('says which bytes were no UTF-8, and answers the line', async () => {
    await writeFile(stage.path('app.json.log'), Buffer.concat([Buffer.from(`{${time},"m":"`), Buffer.from([0xff]), Buffer.from('"}\n')]));
    const run = runOf(stage.signal);
    const [draft] = await ask(stage.source(), {}, run);
    expect(draft?.json).toContain('\ufffd');
    expect(run.notes.map(({ code }) => code)).toEqual(['bad-utf8']);
  });

  it('takes any bytes between two lines', async () => {
    const source = stage.source();
    const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
    await fc.assert(
      fc.asyncProperty(bytes, async (between) => {
        await writeFile(stage.path('app.json.log'), Buffer.concat([Buffer.from(`${before}\n`), between, Buffer.from(`\n${after}\n`)]));
        const drafts = await ask(source);
        expect([drafts[0]?.json, drafts.at(-1)?.json]).toEqual([after, before]);
      }),
      { numRuns: 50 },
    );
  });
});

describe('lines', () => {
  it('are answered as they were written, whatever their zone and order', async () => {
    const lines = ['{"timestamp":"2025-11-07T02:00:00+02:00" , "b":1}', '{"timestamp":"2025-11-07T00:30:00Z"}', '{"ts":1762473600.5}'];
    await writeFile(stage.path('app.json.log'), `${lines.join('\r\n')}\r\n`);
    const drafts = await ask(stage.source());
    expect(drafts.map(({ json }) => json)).toEqual([lines[1], lines[2], lines[0]]);
    expect(drafts.map(({ time }) => time)).toEqual([microsAt(1800), microsAt(0.5), microsAt(0)]);
  });

  it('have the same id with and without newline and carriage return, and a byte order mark does no harm', async () => {
    const file = stage.path('app.json.log');
    await writeFile(file, `\ufeff${line(1)}\n${line(2)}`);
    const source = stage.source();
    const first = await ask(source);
    expect(first.map(({ json }) => json)).toEqual([line(2), line(1)]);
    for (const ending of ['\r', '\r\n']) {
      await writeFile(file, `\ufeff${line(1)}\n${line(2)}${ending}`);
      expect((await ask(source)).map(({ id }) => id)).toEqual(first.map(({ id }) => id));
    }
  });

  it('that are half written are left alone until they are whole', async () => {
    const file = stage.path('app.json.log');
    await writeFile(file, `${line(1)}\n${line(2).slice(0, -3)}`);
    const source = stage.source();
    const run = runOf(stage.signal);
    expect(await ask(source, {}, run)).toHaveLength(1);
    expect(run.notes).toEqual([]);
    const reader = await new Reader(source).open();
    await until('the first line', () => reader.seen.length === 1);
    await appendFile(file, line(2).slice(-3));
    await until('the line that got no newline', () => reader.seen.length === 2);
    await appendFile(file, `\n${line(3)}\n`);
    await until('the line behind it', () => reader.seen.length === 3);
    await reader.drop();
    expect(reader.seen.map(({ id }) => id)).toEqual((await ask(source, { order: 'oldest' })).map(({ id }) => id));
    expect(stage.warnings).toEqual([]);
  });

  it('that are longer than allowed are skipped and counted, at any size of reading', async () => {
    const long = (n: number) => line(n, { x: 'y'.repeat(n) });
    await writeFile(stage.path('app.json.log'), `${line(1)}\n${long(2000)}\n${line(2)}\n${long(900_000)}\n${line(3)}\n${long(5000)}`);
    const source = stage.source({ max_line: '1KiB' });
    const run = runOf(stage.signal);
    expect((await ask(source, {}, run)).map(({ json }) => json)).toEqual([line(3), line(2), line(1)]);
    expect(run.notes.map(({ code, count }) => [code, count])).toEqual([['malformed', 2]]);
    const reader = await new Reader(source).open();
    await until('the three lines', () => reader.seen.length === 3);
    await reader.drop();
  });

  it('behind a hole of NULs are found', async () => {
    await writeFile(stage.path('app.json.log'), Buffer.concat([Buffer.alloc(3_000_000), Buffer.from(`${line(1)}\n${line(2)}\n`)]));
    const source = stage.source({ max_line: '1KiB' });
    const run = runOf(stage.signal);
    const drafts = await ask(source, { order: 'oldest' }, run);
    expect(drafts.map(({ json }) => json)).toEqual([line(1), line(2)]);
    expect(run.notes).toEqual([]);
    const reader = await new Reader(source).open();
    await until('both lines', () => reader.seen.length === 2);
    expect(reader.seen.map(({ id }) => id)).toEqual(drafts.map(({ id }) => id));
    await reader.drop();
  });
});
