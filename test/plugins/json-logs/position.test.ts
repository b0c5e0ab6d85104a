import { appendFile, rm, truncate, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { file, follow, has, names, stage, text } from './follow-stage.ts';
import { ask, line, Reader } from './stage.ts';

describe('reading up to a position', () => {
  it('ends exactly there, lanes apart', async () => {
    await writeFile(`${file}.1`, text(1, 2));
    await writeFile(file, text(3, 4));
    const position = await (await follow('end')).drop();
    await appendFile(file, text(5));
    await writeFile(stage.path('app.json.log-20250101'), text(0));
    const reader = await follow();
    await has(reader, 6);
    const bounded = await new Reader(stage.source()).open('beginning', position);
    await bounded.done;
    expect(bounded.messages()).toEqual(names(1, 2, 3, 4));
    const rest = await new Reader(stage.source()).open(bounded.position, await reader.drop());
    await rest.done;
    expect(rest.messages().sort()).toEqual(names(0, 5));
    expect([...bounded.lost, ...rest.lost]).toEqual([]);
  });

  it('includes a last line that has no newline when the position does', async () => {
    await writeFile(file, `${text(1)}${line(2)}`);
    const reader = await follow();
    await has(reader, 2);
    for (const more of ['', '\n', text(3)]) {
      await appendFile(file, more);
      const bounded = await new Reader(stage.source()).open('beginning', reader.position);
      await bounded.done;
      expect(bounded.messages()).toEqual(names(1, 2));
      if (more !== '') break;
    }
  });

  it('ends when a lane has vanished or is shorter, and says so', async () => {
    await writeFile(file, text(1, 2));
    const position = await (await follow('end')).drop();
    await truncate(file, text(1).length);
    const shorter = await new Reader(stage.source()).open('beginning', position);
    await shorter.done;
    expect(shorter.messages()).toEqual(names(1));
    expect(shorter.lost).toMatchObject([{ bytes: text(2).length }]);
    await rm(file);
    const gone = await new Reader(stage.source()).open('beginning', position);
    await gone.done;
    expect(gone.seen).toEqual([]);
    const resumed = await new Reader(stage.source()).open(shorter.position, position);
    await resumed.done;
    expect(resumed.lost.map(({ reason }) => reason).join()).toContain('gone');
  });

  it('reports the newest lane of a position when it is gone, and no older one', async () => {
    await writeFile(`${file}.1`, text(1));
    await writeFile(file, text(2));
    const reader = await follow();
    await has(reader, 2);
    const position = await reader.drop();
    await rm(`${file}.1`);
    const first = await follow(position);
    expect(first.lost).toEqual([]);
    await rm(file);
    await writeFile(file, text(3));
    const second = await follow(position);
    await has(second, 1);
    expect(second.lost).toMatchObject([{ lane: reader.seen[1]?.lane }]);
  });
});

describe('the ids of followed lines', () => {
  it('are those of queried ones', async () => {
    await writeFile(`${file}.1.gz`, gzipSync(`x\n${text(1, 2)}`));
    await writeFile(file, `${text(3, 4)}${line(5)}`);
    const reader = await follow();
    await has(reader, 5);
    const drafts = await ask(stage.source(), { order: 'oldest' });
    expect(reader.seen.map(({ id }) => id)).toEqual(drafts.map(({ id }) => id));
  });
});
