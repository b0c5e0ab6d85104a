import { appendFile, copyFile, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask, line, Reader, Stage, until } from './stage.ts';

let stage: Stage;
let file: string;
beforeEach(async () => {
  stage = await Stage.open();
  file = stage.path('app.json.log');
});
afterEach(() => stage.close());

const ids = async (options = {}) => (await ask(stage.source(options))).map(({ id }) => id);

describe('ids of lines', () => {
  it('stay the same through renaming, copying, restoring and compression', async () => {
    await writeFile(file, `no time here\n${line(1)}\n${line(2)}\r\n\n${line(3)}\n`);
    const source = stage.source();
    const first = (await ask(source)).map(({ id }) => id);
    expect(new Set(first).size).toBe(3);
    await rename(file, `${file}.1`);
    expect((await ask(source)).map(({ id }) => id)).toEqual(first);
    await writeFile(`${file}.2.gz`, gzipSync(await readFile(`${file}.1`)));
    expect((await ask(source)).map(({ id }) => id)).toEqual(first);
    await rm(`${file}.1`);
    expect((await ask(source)).map(({ id }) => id)).toEqual(first);
    expect(await ids()).toEqual(first);
    await copyFile(`${file}.2.gz`, `${file}-20250101.gz`);
    expect(await ids()).toEqual(first);
    for (const id of first) expect(id).toMatch(/^[\x21-\x7e]{1,96}$/);
  });

  it('differ for the same line in two places, on two hosts and in two files', async () => {
    await writeFile(file, `${line(1)}\n${line(1)}\n`);
    await writeFile(`${file}.1`, `${line(0)}\n${line(1)}\n`);
    expect(new Set(await ids()).size).toBe(4);
  });

  it('of two streams that began with the same record are told apart once they differ', async () => {
    const other = stage.path('app_errors.json.log');
    const paths = [file, other];
    await writeFile(file, `${line(1)}\n`);
    await writeFile(other, `${line(1)}\n`);
    const source = stage.source({ paths });
    const reader = await new Reader(source).open();
    await until('the shared line', () => reader.seen.length === 1);
    await appendFile(file, `${line(2)}\n`);
    await until('the line of one', () => reader.seen.length === 2);
    await appendFile(other, `${line(3)}\n`);
    await until(
      'the line of the other',
      () => reader.seen.length === 4,
      () => reader.messages(),
    );
    // Only now it is known that the first record was there twice.
    expect(reader.messages()).toEqual(['line 1', 'line 2', 'line 1', 'line 3']);
    const all = await ask(source);
    expect(all).toHaveLength(4);
    expect(new Set(all.map(({ id }) => id)).size).toBe(4);
    await rename(other, `${other}.1`);
    expect((await ask(source)).map(({ id }) => id)).toEqual(all.map(({ id }) => id));
    await rm(`${other}.1`);
    const position = await reader.drop();
    await appendFile(file, `${line(4)}\n`);
    const again = await new Reader(stage.source({ paths })).open(position);
    await until('the new line alone', () => again.seen.length > 0);
    expect(again.messages()).toEqual(['line 4']);
    expect(again.lost).toEqual([]);
    await again.drop();
    expect(reader.lost).toEqual([]);
  });

  it('of one stream in two folders do not collide', async () => {
    const paths = ['x', 'y'].map((name) => stage.path(`${name}.d/app.log`));
    for (const [index, path] of paths.entries()) {
      await import('node:fs/promises').then(({ mkdir }) => mkdir(path.replace('/app.log', '')));
      await writeFile(path, `${line(1)}\n${line(2 + index)}\n`);
    }
    expect(new Set(await ids({ paths })).size).toBe(4);
  });

  it('do not survive in a file whose content was replaced', async () => {
    await writeFile(file, `${line(1)}\n`);
    const source = stage.source();
    const first = await ask(source);
    await truncate(file);
    await writeFile(file, `${line(5)}\n`);
    const second = await ask(source);
    expect(second).toHaveLength(1);
    expect(second[0]?.id.split('.')[0]).not.toBe(first[0]?.id.split('.')[0]);
  });
});
