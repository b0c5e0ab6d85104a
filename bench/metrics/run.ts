/**
 * `npm run bench:metrics`: the newest rows of a table over HTTP beside the bare driver, in one run, on a private MariaDB.
 * `CAUCE_BENCH_DOUBLINGS=10` (the default) makes 1,024,000 rows.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { createConnection } from 'mysql2/promise';
import { startMariaDb } from '../../test/mariadb/server.ts';
import { startAgent } from '../agent.ts';
import { type Contender, measure } from '../measure.ts';
import { printMachine, printMeasured } from '../report.ts';
import { fillTable } from './table.ts';

const DOUBLINGS = Number(process.env['CAUCE_BENCH_DOUBLINGS'] ?? 10);
const ROUNDS = 200;

const server = await startMariaDb();
const connection = await createConnection({ uri: server.url, timezone: 'Z' });
const keepAlive = new Agent({ keepAlive: true, maxSockets: 1 });
const agent = await startAgent({ dora: { use: 'mysql-metrics', url: server.url } });
try {
  await applySchema();
  const rows = await fillTable(connection, DOUBLINGS);
  const [[version]] = (await connection.query('SELECT VERSION() AS version')) as unknown as [[{ version: string }]];
  printMachine({ server: version.version, table: `${rows} rows over 90 days` });

  const columns = 'id, cycle_id, feature_id, phase_name, decision, duration_seconds, metadata, created_at';
  const newest = `SELECT ${columns} FROM dora_metrics ORDER BY created_at DESC, id DESC LIMIT 1000`;
  const peer = await startPeer(newest);
  printMeasured(
    'Newest 1000 rows',
    await measure(
      [
        bare('mysql2, prepared', newest),
        { name: 'mysql2, text', run: async () => ((await connection.query(newest))[0] as unknown[]).length },
        http('Cauce over HTTP', 'type=metrics&days=36500&limit=1000'),
        { name: 'node:http + mysql2 + JSON.stringify', run: () => countOf(`${peer.url}/`) },
        { name: 'node:http alone, the bytes made before', run: () => countOf(`${peer.url}/ready`) },
      ],
      ROUNDS,
    ),
  );
  peer.stop();
  printMeasured(
    'Newest 1000 of one phase',
    await measure(
      [
        bare('mysql2, prepared', `SELECT ${columns} FROM dora_metrics WHERE phase_name = ? ORDER BY created_at DESC, id DESC LIMIT 1000`, [
          'deployment',
        ]),
        http('Cauce over HTTP', 'type=metrics&days=36500&limit=1000&where=phase_name=deployment'),
      ],
      50,
    ),
  );
  printMeasured(
    'Newest 1000 of one developer, in the JSON column',
    await measure(
      [
        bare(
          'mysql2, prepared',
          `SELECT ${columns} FROM dora_metrics WHERE JSON_VALUE(metadata, '$.developer') = ? ORDER BY created_at DESC, id DESC LIMIT 1000`,
          ['chen'],
        ),
        http('Cauce over HTTP', 'type=metrics&days=36500&limit=1000&where=metadata.developer=chen'),
      ],
      50,
    ),
  );
  printMeasured(
    'Count and mean by phase over all rows',
    await measure(
      [
        bare('mysql2, prepared', 'SELECT phase_name, COUNT(*), AVG(duration_seconds) FROM dora_metrics GROUP BY phase_name'),
        http('Cauce over HTTP', 'type=metrics&days=36500&by=phase_name&measure=avg(duration_seconds)', '/api/data/stats'),
      ],
      5,
    ),
  );
  printMeasured("DORA's four keys of 30 days", await measure([http('Cauce over HTTP', 'days=30&rows=0', '/api/data/dora')], 3));
  console.log(`\nmemory of the agent afterwards: ${Math.round(await agent.memory())} MiB`);
} finally {
  keepAlive.destroy();
  await agent.stop();
  await connection.end();
  await server.remove();
}

/** The table as `cauce schema apply` makes it. */
async function applySchema(): Promise<void> {
  const { default: plugin } = await import('../../plugins/mysql-metrics/index.ts');
  const { signal } = new AbortController();
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const options = plugin.options.parse({ url: server.url });
  const source = plugin.create({ id: 'dora', host: 'bench', options, log, signal, state: {} as never });
  await source.schema?.apply({ dryRun: false }, signal);
  await source.stop?.();
}

function bare(name: string, sql: string, values: string[] = []): Contender {
  return { name, run: async () => ((await connection.execute(sql, values))[0] as unknown[]).length };
}

/** The same rows from an endpoint as one would write it by hand, in a process of its own as the agent is. */
async function startPeer(sql: string): Promise<{ url: string; stop(): void }> {
  const child = fork(new URL('./peer.ts', import.meta.url), [server.url, sql], { execArgv: ['--import', 'jiti/register'] });
  const [port] = (await once(child, 'message')) as [number];
  return { url: `http://127.0.0.1:${port}`, stop: () => child.kill() };
}

function http(name: string, search: string, path = '/api/data/query'): Contender {
  return {
    name,
    run: () => countOf(`${agent.url}${path}?${search}`),
  };
}

async function countOf(url: string): Promise<number> {
  return Number(/"count":(\d+)/.exec(await get(url))?.[1] ?? 1);
}

function get(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent: keepAlive }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`${url} answered ${response.statusCode}: ${text.slice(0, 500)}`));
      });
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end();
  });
}
