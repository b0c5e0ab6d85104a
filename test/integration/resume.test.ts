import { appendFile, copyFile, rename, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { logLine, type RunningAgent, scratch, startAgent, writeConfig } from './agent.ts';
import { StreamClient } from './stream-client.ts';

let place: Awaited<ReturnType<typeof scratch>>;
let agent: RunningAgent | undefined;
let client: StreamClient | undefined;
beforeEach(async () => {
  place = await scratch();
});
afterEach(async () => {
  client?.close();
  await agent?.kill('SIGKILL');
  await place.remove();
});

const KILLS = process.env['CAUCE_TEST_LONG'] ? 100 : 20;
const GENERATIONS = 8;

/** mulberry32: a small seeded generator, so that a failing run can be run again. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function shift(log: string): Promise<void> {
  for (let at = GENERATIONS; at >= 1; at--) await rename(`${log}.${at}`, `${log}.${at + 1}`).catch(() => undefined);
}

async function renameRotation(log: string): Promise<void> {
  await shift(log);
  await rename(log, `${log}.1`);
  await writeFile(log, '');
}

async function copyTruncate(log: string): Promise<void> {
  await shift(log);
  await copyFile(log, `${log}.1`);
  await truncate(log, 0);
}

describe('a client that resumes', () => {
  it(`sees every line exactly once through ${KILLS} kills, rotations and copytruncates`, { timeout: 300_000 }, async () => {
    const seed = Number(process.env['CAUCE_TEST_SEED'] ?? 20261124);
    const random = seeded(seed);
    const log = join(place.folder, 'app.json.log');
    await writeFile(log, logLine('0'));
    const config = await writeConfig(place.folder, `app: { use: json-logs, paths: ["${log}"] }`);
    agent = await startAgent(place.folder, config);
    client = new StreamClient(() => agent?.url);
    await expect.poll(() => client?.caughtUp, { timeout: 10_000 }).toBeGreaterThan(0);

    let written = 1;
    let writing = true;
    let rotations = 0;
    const writer = (async () => {
      while (writing) {
        const lines = Array.from({ length: 1 + Math.floor(random() * 30) }, () => logLine(String(written++)));
        await appendFile(log, lines.join(''));
        if (random() < 0.03 && rotations < GENERATIONS) {
          rotations++;
          if (random() < 0.5) await renameRotation(log);
          else await copyTruncate(log); // the writer waits here, as this loop is the only one
        }
        await sleep(random() * 20);
      }
    })();
    for (let kill = 0; kill < KILLS; kill++) {
      await sleep(random() * 400);
      const killed = agent;
      agent = undefined;
      await killed.kill('SIGKILL');
      agent = await startAgent(place.folder, config);
    }
    writing = false;
    await writer;
    const expected = Array.from({ length: written - 1 }, (_, index) => String(index + 1));
    const got = () => client?.entries.map(({ data }) => String(data['message'])) ?? [];
    await expect.poll(() => got().length, { timeout: 30_000 }).toBeGreaterThanOrEqual(expected.length);
    await sleep(500); // whatever would come twice has the time to
    expect(
      got().sort((a, b) => Number(a) - Number(b)),
      `seed ${seed}, ${rotations} rotations`,
    ).toEqual(expected);
    expect(client.lost).toEqual([]);
    expect(rotations).toBeGreaterThan(0);
  });

  it('is told what was lost when a file is truncated without a copy while nobody reads', async () => {
    const log = join(place.folder, 'app.json.log');
    await writeFile(log, logLine('first'));
    const config = await writeConfig(place.folder, `app: { use: json-logs, paths: ["${log}"] }`);
    agent = await startAgent(place.folder, config);
    client = new StreamClient(() => agent?.url);
    await expect.poll(() => client?.caughtUp, { timeout: 10_000 }).toBeGreaterThan(0);
    await appendFile(log, logLine('second'));
    await expect.poll(() => client?.entries.length, { timeout: 10_000 }).toBe(1);
    const killed = agent;
    agent = undefined;
    await killed.kill('SIGKILL');
    await appendFile(log, logLine('nobody saw this'));
    expect((await stat(log)).size).toBeGreaterThan(0);
    await truncate(log, 0);
    await appendFile(log, logLine('after the truncation'));
    agent = await startAgent(place.folder, config);
    await expect.poll(() => client?.entries.at(-1)?.data['message'], { timeout: 10_000 }).toBe('after the truncation');
    await expect.poll(() => client?.lost.length).toBe(1);
    expect(client.lost[0]).toMatchObject({ source: 'app', reason: expect.any(String) });
  });
});
