/**
 * `npm run bench:metrics`: the newest rows of a table over HTTP beside the bare driver, in one run, on a private MariaDB.
 * `CAUCE_BENCH_DOUBLINGS=10` (the default) makes 1,024,000 rows.
 */
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
  printMeasured(
    'Newest 1000 rows',
    await measure(
      [
        bare('mysql2, prepared', `SELECT ${columns} FROM dora_metrics ORDER BY created_at DESC, id DESC LIMIT 1000`),
        http('Cauce over HTTP', 'type=metrics&days=36500&limit=1000'),
        bareJson('mysql2 + JSON.stringify', `SELECT ${columns} FROM dora_metrics ORDER BY created_at DESC, id DESC LIMIT 1000`),
      ],
      ROUNDS,
    ),
  );
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

/** What a hand-written endpoint would do besides: the rows as a text. */
function bareJson(name: string, sql: string): Contender {
  return {
    name,
    async run() {
      const [rows] = await connection.execute(sql);
      return JSON.stringify(rows).length > 0 ? (rows as unknown[]).length : 0;
    },
  };
}

function http(name: string, search: string, path = '/api/data/query'): Contender {
  return {
    name,
    async run() {
      const text = await get(`${agent.url}${path}?${search}`);
      return Number(/"count":(\d+)/.exec(text)?.[1] ?? 1);
    },
  };
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
