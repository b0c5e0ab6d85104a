import { randomBytes } from 'node:crypto';
import { Client } from 'cassandra-driver';
import { describe } from 'vitest';
import { DATA_CENTER } from './cluster.ts';
import { canRunCassandra, HOW } from './jars.ts';
import { LENDER } from './lender.ts';

const given = process.env['CAUCE_TEST_CASSANDRA'];
const possible = canRunCassandra();
const isCi = process.env['CI'] === 'true';
if (!given && !possible) console.warn(`Cassandra cannot be run here, so its tests are left out; ${HOW}`);

/** Tests that need a cluster. Without one they are left out on a person's machine, and fail where CI=true. */
export const describeWithCassandra = given || possible || isCi ? describe : describe.skip;
/** For tests that stop nodes; a given cluster is not ours to stop. */
export const describeWithOwnCassandra = possible || isCi ? describe : describe.skip;

export interface SharedCassandra {
  readonly hosts: readonly string[];
  readonly port: number;
  readonly dataCenter: string;
}

/** The cluster of CAUCE_TEST_CASSANDRA (`host:port,…`), or one node that all test files of a run share. Use a keyspace of your own. */
export async function sharedCassandra(): Promise<SharedCassandra> {
  if (given) return contactOf(given);
  const lender = process.env[LENDER];
  if (lender === undefined) throw new Error(`${LENDER} is not set: is lender.ts a globalSetup of this test run?`);
  const response = await fetch(lender);
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return JSON.parse(text) as SharedCassandra;
}

export function freshKeyspace(): string {
  return `test_${randomBytes(6).toString('hex')}`;
}

export async function dropKeyspace(keyspace: string): Promise<void> {
  const { hosts, port, dataCenter } = await sharedCassandra();
  const client = new Client({
    contactPoints: [...hosts],
    localDataCenter: dataCenter,
    protocolOptions: { port },
    socketOptions: { readTimeout: 60_000 },
  });
  await client.connect();
  await client.execute(`DROP KEYSPACE IF EXISTS ${keyspace}`);
  await client.shutdown();
}

function contactOf(text: string): SharedCassandra {
  const pairs = text.split(',').map((one) => /^(.+?)(?::(\d+))?$/.exec(one.trim()) as RegExpExecArray);
  const port = Number(pairs.find(([, , digits]) => digits)?.[2] ?? 9042);
  return { hosts: pairs.map(([, host]) => host as string), port, dataCenter: process.env['CAUCE_TEST_CASSANDRA_DC'] ?? DATA_CENTER };
}
