import { appendFile, copyFile, readFile, truncate, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { aWhile, file, follow, has, names, text } from './follow-stage.ts';
import { line, until } from './stage.ts';

describe('following across truncation', () => {
  it('goes on in the copy when the original is truncated', async () => {
    await writeFile(file, text(1));
    const reader = await follow();
    await has(reader, 1);
    const position = await reader.drop();
    await appendFile(file, text(2, 3));
    await copyFile(file, `${file}.1`);
    await truncate(file);
    await appendFile(file, text(10));
    const again = await follow(position);
    await has(again, 3);
    await aWhile();
    expect(again.messages()).toEqual(names(2, 3, 10));
    expect(again.lost).toEqual([]);
  });

  it('reads lines that the copy missed, and then does not call them lost', async () => {
    await writeFile(file, text(1));
    const reader = await follow();
    await copyFile(file, `${file}.1`);
    await appendFile(file, text(2));
    await has(reader, 2);
    await truncate(file);
    await appendFile(file, text(10));
    await has(reader, 3);
    const position = await reader.drop();
    const again = await follow(position);
    await aWhile();
    expect(again.messages()).toEqual([]);
    expect([...reader.lost, ...again.lost]).toEqual([]);
  });

  it('goes on in the compressed copy', async () => {
    await writeFile(file, text(1, 2));
    const reader = await follow();
    await has(reader, 2);
    const position = await reader.drop();
    await appendFile(file, text(3));
    await writeFile(`${file}.1.gz`, gzipSync(await readFile(file)));
    await truncate(file);
    const again = await follow(position);
    await has(again, 1);
    await aWhile();
    expect(again.messages()).toEqual(names(3));
    expect(again.lost).toEqual([]);
  });

  it('reports bytes that it saw and that no copy holds', async () => {
    await writeFile(file, text(1));
    const reader = await follow();
    await has(reader, 1);
    // Half a line is seen, but not read.
    await appendFile(file, line(2).slice(0, 30));
    await aWhile();
    await truncate(file);
    await appendFile(file, text(10));
    await has(reader, 2);
    await until('the report', () => reader.lost.length > 0);
    expect(reader.lost).toMatchObject([{ lane: reader.seen[0]?.lane, bytes: 30 }]);
    expect(reader.lost[0]?.reason).toContain('truncated or removed');
    await aWhile();
    expect(reader.lost).toHaveLength(1);
  });

  it('reports what only its size told of, when the copy ends before it', async () => {
    await writeFile(file, text(1));
    const reader = await follow();
    await has(reader, 1);
    await copyFile(file, `${file}.1`);
    await appendFile(file, line(2).slice(0, 30));
    await aWhile();
    await truncate(file);
    await until('the report', () => reader.lost.length > 0);
    expect(reader.lost).toMatchObject([{ bytes: 30 }]);
  });

  it('sees that a file was truncated and grew beyond what was read', async () => {
    await writeFile(file, text(1));
    const reader = await follow();
    await has(reader, 1);
    await truncate(file);
    await appendFile(file, text(10, 11, 12, 13));
    await has(reader, 5);
    expect(reader.messages()).toEqual(names(1, 10, 11, 12, 13));
  });

  it('reads a file again that was rewritten behind the same first line, and says so', async () => {
    await writeFile(file, text(1, 2, 3));
    const reader = await follow();
    await has(reader, 3);
    const position = await reader.drop();
    await writeFile(file, text(1, 7, 8, 9));
    const again = await follow(position);
    await has(again, 4);
    expect(again.messages()).toEqual(names(1, 7, 8, 9));
    expect(again.lost[0]?.reason).toContain('rewritten');
    await writeFile(file, text(1, 5));
    await until('the second report', () => again.lost.length > 1 && again.messages().at(-1) === 'line 5');
  });
});
