import { afterEach, beforeEach } from 'vitest';
import { line, Reader, Stage, until } from './stage.ts';

/** What every test of following stands on: a fresh stage before each test, and its readers dropped after it. */
export let stage: Stage;
export let file: string;
const readers: Reader[] = [];
beforeEach(async () => {
  stage = await Stage.open();
  file = stage.path('app.json.log');
});
afterEach(async () => {
  for (const reader of readers.splice(0)) await reader.drop();
  await stage.close();
});

export const text = (...numbers: number[]) => numbers.map((n) => `${line(n)}\n`).join('');
export const names = (...numbers: number[]) => numbers.map((n) => `line ${n}`);

export async function follow(after: Parameters<Reader['open']>[0] = 'beginning', options = {}): Promise<Reader> {
  const reader = await new Reader(stage.source(options)).open(after);
  readers.push(reader);
  return reader;
}
export const has = (reader: Reader, count: number) =>
  until(
    `${count} lines`,
    () => reader.seen.length >= count,
    () => [reader.messages(), reader.lost],
  );

/** Long enough for several polls, so that what must not happen would have happened. */
export const aWhile = () => new Promise((resolve) => setTimeout(resolve, 400));
