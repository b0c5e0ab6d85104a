/**
 * `npm run bench:cassandra`: a million lines into three real nodes and back through an agent, beside the bare driver, in one run.
 * `npm run bench:cassandra -- --nodes 1 --rows 10000000` is for a quiet hour. Nodes have small heaps: compare within one run.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { DEFAULT_SHARDS } from '../../plugins/cassandra/history.ts';
import { type Cluster, startCluster } from '../../test/cassandra/cluster.ts';
import { startAgent } from '../agent.ts';
import { Asker } from './ask.ts';
import { HOURS, SERVICES, spanOf } from './lines.ts';
import { measureCounting, measureReading } from './reading.ts';
import { Report } from './report.ts';
import { bytesOnDisk } from './sizes.ts';
import { measureWriting } from './writing.ts';

const KEYSPACE = 'bench';
const LEAST_ROWS = 40_000;
/** Counts of an hour that was written to lately are not kept. */
const AT_REST_MS = 125_000;

const { nodes, rows, heap, json } = await yargs(hideBin(process.argv))
  .scriptName('npm run bench:cassandra --')
  .usage('$0 [options]\n\nWrites log lines to real Cassandra nodes and reads them, beside the bare driver.')
  .options({
    nodes: { choices: [1, 2, 3] as const, default: 3 as const, describe: 'how many; each of them has every line' },
    rows: { type: 'number', default: 1_000_000, describe: `lines, at least ${LEAST_ROWS}` },
    heap: { type: 'string', default: '768m', describe: 'of each node, as Java names it' },
    json: { type: 'boolean', default: false, describe: 'all results as JSON at the end, and no tables' },
  })
  .check(({ rows: given }) => {
    if (Number.isInteger(given) && given >= LEAST_ROWS) return true;
    throw new Error(`--rows is a whole number from ${LEAST_ROWS} on`);
  })
  .strict()
  .parse();

const counted = nodes === 1 ? 'a node' : `${nodes} nodes`;
console.error(`starting ${counted}`);
const cluster = await startCluster(nodes, { heap });
try {
  await bench(cluster);
} finally {
  await cluster.remove();
}

async function bench({ hosts, port, version }: Cluster): Promise<void> {
  const report = new Report(json);
  const client = await cluster.client();
  const place = { hosts: [...hosts], port, keyspace: KEYSPACE, replication: nodes };
  const span = spanOf(Date.now());
  report.machine({
    cluster: `Cassandra ${version}, ${counted} on this machine, heap ${heap} each, replication ${nodes}, LOCAL_QUORUM`,
    table: `${rows} lines of ${SERVICES.length} services over ${HOURS} hours`,
  });

  const { measured, whole, bytesPerLine, needle } = await measureWriting({ client, place, rows, span });
  const ended = Date.now();
  report.written('Writing, 5000 lines at a time', measured, bytesPerLine);
  report.facts('Written by the sink from the first line to the last', {
    ...whole,
    'rows/s': whole.rows / whole.seconds,
    'MB/s': (whole.rows * bytesPerLine) / 1e6 / whole.seconds,
    'bytes of a line': bytesPerLine,
  });
  // Queries read files, not only what is in memory still.
  for (const node of hosts.keys()) await cluster.nodetool(node, 'flush', KEYSPACE);

  const agent = await startAgent({ archive: { use: 'cassandra-logs', ...place } });
  const asker = new Asker(agent.url);
  try {
    const plan = { asker, client, keyspace: KEYSPACE, shards: DEFAULT_SHARDS, span, needle, report };
    await measureReading(plan);
    const left = ended + AT_REST_MS - Date.now();
    if (left > 0) {
      console.error(`waiting ${Math.ceil(left / 1000)} s until the hours are at rest`);
      await sleep(left);
    }
    await measureCounting(plan);
    report.facts('Memory of the agent afterwards', { MiB: await agent.memory() });
  } finally {
    asker.close();
    await agent.stop();
  }
  report.facts('Bytes on disk for a line, in one node, after compaction', await bytesOnDisk(cluster, KEYSPACE, rows));
  report.end();
}
