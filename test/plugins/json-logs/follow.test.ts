import { appendFile, mkdir, open, readFile, rename, symlink, unlink, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { aWhile, file, follow, has, names, stage, text } from './follow-stage.ts';
import { line } from './stage.ts';

describe('following', () => {
  it('sees an appended line without waiting for the poll', async () => {
    await writeFile(file, text(1));
    const reader = await follow('end', { poll: '1h' });
    await aWhile();
    await appendFile(file, text(2));
    await has(reader, 1);
    expect(reader.messages()).toEqual(names(2));
  });

  it('begins at the end of what is there, compressed generations included', async () => {
    await writeFile(`${file}.1.gz`, gzipSync(text(1, 2)));
    await writeFile(file, `${text(3, 4)}${line(5).slice(0, 20)}`);
    const reader = await follow('end');
    expect(Object.keys(reader.position)).toHaveLength(2);
    await appendFile(file, `${line(5).slice(20)}\n`);
    await has(reader, 1);
    const position = await reader.drop();
    await appendFile(file, text(6));
    const again = await follow(position);
    await has(again, 1);
    await aWhile();
    expect([...reader.messages(), ...again.messages()]).toEqual(names(5, 6));
    expect(again.lost).toEqual([]);
  });

  it('reads the oldest generation first', async () => {
    await writeFile(`${file}.2.gz`, gzipSync(text(1, 2)));
    await writeFile(`${file}.1`, text(3, 4));
    await writeFile(file, text(5));
    const reader = await follow();
    await has(reader, 5);
    expect(reader.messages()).toEqual(names(1, 2, 3, 4, 5));
  });

  it('goes on across renaming, and reads what is still written to the renamed file', async () => {
    await writeFile(file, text(1));
    const reader = await follow();
    await has(reader, 1);
    const writer = await open(file, 'a');
    await rename(file, `${file}.1`);
    await writer.appendFile(text(2));
    await has(reader, 2);
    await writeFile(file, text(10));
    await writer.appendFile(text(3));
    await writer.close();
    await has(reader, 4);
    expect(new Set(reader.messages())).toEqual(new Set(names(1, 2, 10, 3)));
    expect(reader.lost).toEqual([]);
  });

  it('reads a file to its end that was removed, and one that was moved away', async () => {
    await writeFile(file, text(1));
    const reader = await follow();
    await has(reader, 1);
    const writer = await open(file, 'a');
    await unlink(file);
    await writer.appendFile(text(2));
    await writer.close();
    await has(reader, 2);
    await writeFile(file, text(3));
    await has(reader, 3);
    await rename(file, stage.path('elsewhere'));
    await appendFile(stage.path('elsewhere'), text(4));
    await has(reader, 4);
    await aWhile();
    expect(reader.messages()).toEqual(names(1, 2, 3, 4));
    expect(reader.lost).toEqual([]);
  });

  it('is not misled by compression of a generation', async () => {
    await writeFile(file, text(1, 2));
    const reader = await follow();
    await has(reader, 2);
    await rename(file, `${file}.1`);
    await writeFile(file, text(3));
    const whole = gzipSync(await readFile(`${file}.1`));
    await writeFile(`${file}.1.gz`, whole.subarray(0, whole.length / 2));
    await aWhile();
    await writeFile(`${file}.1.gz`, whole);
    await unlink(`${file}.1`);
    await has(reader, 3);
    await aWhile();
    const position = await reader.drop();
    const again = await follow(position);
    await aWhile();
    expect([...reader.messages(), ...again.messages()]).toEqual(names(1, 2, 3));
    expect([...reader.lost, ...again.lost]).toEqual([]);
  });

  it('waits for folders and files that come late, and for their first timed line', async () => {
    const late = stage.path('late/deep/app.log');
    const reader = await follow('end', { paths: late });
    expect(reader.position).toEqual({});
    await mkdir(stage.path('late/deep'), { recursive: true });
    await writeFile(late, 'Starting up\n');
    await aWhile();
    await appendFile(late, `{"level":"INFO"}\n${text(1)}`);
    await has(reader, 1);
    await appendFile(late, text(2));
    await has(reader, 2);
    expect(reader.messages()).toEqual(names(1, 2));
    expect(stage.warnings.join()).toContain('no log line');
  });

  it('follows a link that is switched', async () => {
    for (const n of [1, 2]) await writeFile(stage.path(`target-${n}`), text(n));
    await symlink(stage.path('target-1'), stage.path('current'));
    const reader = await follow('beginning', { paths: stage.path('current') });
    await has(reader, 1);
    await symlink(stage.path('target-2'), stage.path('next'));
    await rename(stage.path('next'), stage.path('current'));
    await has(reader, 2);
    await appendFile(stage.path('target-2'), text(3));
    await has(reader, 3);
    expect(reader.messages()).toEqual(names(1, 2, 3));
  });

  it('skips what is no log line, and its cursor stands behind it', async () => {
    await writeFile(file, `${text(1)}nonsense\n[]\n`);
    const reader = await follow();
    await has(reader, 1);
    await appendFile(file, text(2));
    await has(reader, 2);
    const position = await reader.drop();
    await appendFile(file, 'more nonsense\n');
    const again = await follow(position);
    await appendFile(file, text(3));
    await has(again, 1);
    expect(again.messages()).toEqual(names(3));
  });

  it('follows more files than it keeps open', async () => {
    const count = 150;
    const paths = stage.path('*.log');
    for (let n = 0; n < count; n++) await writeFile(stage.path(`${n}.log`), text(n));
    const reader = await follow('beginning', { paths });
    await has(reader, count);
    for (let n = 0; n < count; n++) await appendFile(stage.path(`${n}.log`), text(1000 + n));
    await has(reader, 2 * count);
    await aWhile();
    expect(new Set(reader.messages()).size).toBe(2 * count);
    expect(reader.seen).toHaveLength(2 * count);
  });

  it('reads large backlogs in bounded batches, and resumes behind any entry', async () => {
    const count = 5000;
    await writeFile(file, text(...Array.from({ length: count }, (_, n) => n)));
    const source = stage.source();
    const { batches } = await source.follow.open({ after: 'beginning' }, stage.signal);
    let n = 0;
    const cursors: [number, string, string][] = [];
    for await (const batch of batches) {
      expect(batch.entries.length).toBeLessThanOrEqual(1000);
      for (const [index, entry] of batch.entries.entries()) {
        expect(entry.body?.['message']).toBe(`line ${n++}`);
        if (n % 977 === 0) cursors.push([n, batch.lane, batch.cursorAt(index)]);
      }
      if (n === count) break;
    }
    for (const [at, lane, cursor] of cursors) {
      const reader = await follow({ [lane]: cursor });
      await has(reader, count - at);
      expect(reader.messages()[0]).toBe(`line ${at}`);
    }
  });
});
