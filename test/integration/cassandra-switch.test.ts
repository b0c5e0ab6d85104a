import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type RunningAgent, repository, scratch, startAgent } from './agent.ts';

/** Run before the agent: says on its end whether the driver was loaded. */
const WITNESS = `import { createRequire } from 'node:module';
import { writeFileSync } from 'node:fs';
const { cache } = createRequire(import.meta.url);
process.on('exit', () => writeFileSync(process.env.WITNESS, String(Object.keys(cache).some((path) => path.includes('cassandra-driver')))));
`;

let place: Awaited<ReturnType<typeof scratch>>;
let agent: RunningAgent | undefined;
beforeEach(async () => {
  place = await scratch();
});
afterEach(async () => {
  await agent?.kill('SIGKILL');
  await place.remove();
});

async function driverIsLoaded(env: NodeJS.ProcessEnv): Promise<boolean> {
  const [preload, witness] = [join(place.folder, 'witness.mjs'), join(place.folder, 'witness.txt')];
  await writeFile(preload, WITNESS);
  agent = await startAgent(place.folder, join(repository, 'config/cauce.yaml'), {
    ...env,
    CAUCE_LISTEN: '127.0.0.1:0',
    NODE_OPTIONS: `--import ${preload}`,
    WITNESS: witness,
  });
  expect(await agent.kill('SIGTERM')).toBe(0);
  return (await readFile(witness, 'utf8')) === 'true';
}

it('the driver of Cassandra is loaded when it is switched on, and only then', async () => {
  expect(await driverIsLoaded({})).toBe(false);
  // Nobody listens there, and the agent starts all the same.
  expect(await driverIsLoaded({ CASSANDRA_ENABLED: 'true', CASSANDRA_HOSTS: '127.0.0.1:1' })).toBe(true);
});
