import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { describe as told } from '../../../core/contract/index.ts';
import { getJson, type RunningAgent, startAgent, writeConfig } from '../../integration/agent.ts';
import { describeWithMariaDb, type MariaDb, startMariaDb } from '../../mariadb/server.ts';
import { addRows, DORA, newest, open } from './stage.ts';

const isLong = process.env['CAUCE_TEST_LONG'] === '1';

/** Texts that are something else to a careless database. */
const ATTACKS = [
  ...[
    "'",
    '"',
    '`',
    '\\',
    "\\'",
    "''",
    '%',
    '_',
    '|',
    '--',
    '#',
    '/*',
    '*/',
    ';',
    '?',
    '??',
    ':a',
    '@@version',
    '\u0000',
    '\u001a',
    '\n',
    '%00',
  ],
  ...[
    "' OR '1'='1",
    "' OR 1=1 -- ",
    "'; DROP TABLE dora_metrics; -- ",
    '"; DROP TABLE dora_metrics; -- ',
    '`; DROP TABLE dora_metrics; -- ',
  ],
  ...[
    "') UNION SELECT * FROM mysql.user -- ",
    '1; DELETE FROM dora_metrics',
    '1) OR (1=1',
    'id` = 0 OR `id',
    'SLEEP(60)',
    "' AND SLEEP(60) AND '",
    '0x27',
  ],
  ...[
    'phase_name',
    'id',
    'metadata.developer',
    'metadata.a"b',
    'metadata.$[*]',
    'metadata.a`b',
    "metadata.'",
    'metadata.\\',
    '日本',
    '😀',
    '\ud83d',
  ],
];
const attack = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...ATTACKS) },
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ maxLength: 12 }),
);
const op = fc.constantFrom('=', '!=', '<', '<=', '>', '>=', '^=', '~=', '', ' OR ');
const condition = fc.oneof(
  fc.tuple(attack, op, attack).map((parts) => parts.join('')),
  fc
    .tuple(fc.constantFrom('phase_name', 'id', 'created_at', 'duration_seconds', 'metadata', 'metadata.developer'), op, attack)
    .map((parts) => parts.join('')),
);
const parameter = fc.oneof(
  { weight: 4, arbitrary: condition.map((text) => ['where', text]) },
  { weight: 2, arbitrary: attack.map((text) => ['search', text]) },
  ...['cursor', 'source', 'order', 'from', 'to', 'days', 'limit', 'type', 'format', 'by', 'measure', 'bucket', 'group', attack].map(
    (name) => (typeof name === 'string' ? attack.map((text) => [name, text]) : fc.tuple(name, name)),
  ),
);
const path = fc.constantFrom(
  '/api/data/query',
  '/api/data/query',
  '/api/data/stats',
  '/api/data/dora',
  '/api/data/catalog',
  '/api/data/sources',
);

describeWithMariaDb('a hostile client', () => {
  let db: MariaDb;
  let folder: string;
  let agent: RunningAgent;
  let before: unknown;
  const everything = async () => [
    await db.query('SHOW TABLES'),
    await db.query('SHOW COLUMNS FROM dora_metrics'),
    await db.query('SELECT * FROM dora_metrics ORDER BY id'),
  ];

  beforeAll(async () => {
    db = await startMariaDb();
    folder = await mkdtemp(join(tmpdir(), 'cauce-in-'));
    await db.query(DORA);
    await addRows(db, 30);
    const config = await writeConfig(folder, `dora: { use: mysql-metrics, url: "${db.url}", timeout: 5s }`);
    agent = await startAgent(folder, config);
    before = await everything();
  });
  afterAll(async () => {
    await agent?.kill('SIGKILL');
    await db?.remove();
    await rm(folder, { recursive: true, force: true });
  });
  afterEach(async () => {
    expect(await everything()).toEqual(before);
  });

  it('gets data or a 400 through every parameter, and the table stays as it is', async () => {
    const seen = new Map<number, number>();
    const request = fc.tuple(path, fc.uniqueArray(parameter, { minLength: 1, maxLength: 3, selector: ([name]) => name as string }));
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 20, maxLength: 20 }), async (requests) => {
        for (const [where, parameters] of requests) {
          const search = new URLSearchParams([
            ['type', 'metrics'],
            ...(parameters as [string, string][]).filter(([name]) => name !== 'type' || where !== '/api/data/query'),
          ]);
          const response = await fetch(`${agent.url}${where}?${search}`);
          const text = await response.text();
          seen.set(response.status, (seen.get(response.status) ?? 0) + 1);
          expect([200, 400], `${where}?${search}: ${response.status} ${text.slice(0, 500)}`).toContain(response.status);
          if (response.status === 400) expect(JSON.parse(text)).toMatchObject({ status: 400, error: expect.any(String) });
        }
      }),
      { numRuns: isLong ? 200 : 12 },
    );
    expect(Math.min(seen.get(200) ?? 0, seen.get(400) ?? 0), 'some of both').toBeGreaterThan(20);
  });

  it('finds by a hostile condition only what the condition means', async () => {
    for (const attack of ATTACKS.filter((text) => text !== '\ud83d')) {
      const search = new URLSearchParams({ type: 'metrics', where: `phase_name=${attack}` });
      const { status, body } = await getJson(`${agent.url}/api/data/query?${search}`);
      expect({ status, count: body.count ?? 0 }, attack).toEqual({ status: body.count === undefined ? 400 : 200, count: 0 });
    }
  });

  it.each([
    ['table', 'dora_metrics; DROP TABLE dora_metrics'],
    ['table', '`dora_metrics`'],
    ['table', "x' OR '1'='1"],
    ['table', 'x` UNION SELECT 1 -- x'],
    ['id_column', 'id` OR 1=1 -- x'],
    ['time_column', 'created_at`, SLEEP(9)'],
    ['id_column', "id'"],
    ['columns', { a: 'phase_name`, (SELECT 1) AS `b' }],
    ['columns', { 'a\'`"': 'phase_name' }],
    ['database', "cauce_test'; DROP TABLE dora_metrics; --x"],
    ['user', "root'; DROP TABLE dora_metrics; -- "],
  ])('%s: %j in a configuration is a name and nothing else', async (option, value) => {
    const { hostname: host, port, username: user, password, pathname } = new URL(db.url);
    const { source, close } = await open(
      { host, port, user, password: decodeURIComponent(password), database: pathname.slice(1), [option]: value },
      false,
    );
    const outcome = await (async () => {
      await source.start?.(new AbortController().signal);
      return newest(source);
    })().catch(told);
    if (option === 'columns' && typeof value === 'object' && !('a' in value)) {
      expect(Object.keys((outcome as Record<string, unknown>[])[0] ?? {})).toEqual(['id', 'a\'`"', 'created_at']);
    } else
      expect(outcome).toEqual(
        expect.stringMatching(/there is no table|has no column|no such database|refuses the login|lacks a privilege/),
      );
    await close();
  });

  it('stores hostile texts as they are, and finds them by themselves', async () => {
    const { source, close } = await open({ url: db.url, writable: true });
    const signal = new AbortController().signal;
    const texts = ATTACKS.filter((text) => text !== '\ud83d' && text !== '\u0000');
    try {
      const bodies = texts.map((text) => ({
        cycle_id: `hostile ${text}x`,
        feature_id: text,
        phase_name: text,
        decision: 'go',
        metadata: { [text]: text },
      }));
      const results = (await source.append?.(bodies, signal)) ?? [];
      expect(results.filter(({ status }) => status !== 'added' && status !== 'skipped')).toEqual([]);
      expect(results).toHaveLength(texts.length);
      for (const body of bodies) {
        const search = new URLSearchParams({ type: 'metrics', where: `cycle_id=${body.cycle_id}` });
        const { body: answer } = await getJson(`${agent.url}/api/data/query?${search}`);
        expect(answer.data, body.cycle_id).toMatchObject([body]);
      }
    } finally {
      await db.query("DELETE FROM dora_metrics WHERE cycle_id LIKE 'hostile %'");
      await close();
    }
  });

  it('creates a table with whatever names it is given', async () => {
    const name = 'a\'b`c"d;--';
    const options = {
      url: db.url,
      table: name,
      id_column: '`i',
      time_column: "t'`",
      columns: { phase_name: 'p"`; DROP TABLE dora_metrics; -- x' },
    };
    const { source, close } = await open(options, false);
    const signal = new AbortController().signal;
    try {
      await source.schema?.apply({ dryRun: false }, signal);
      expect(await source.schema?.apply({ dryRun: false }, signal)).toEqual([]);
      await source.start?.(signal);
      expect(await newest(source)).toEqual([]);
    } finally {
      await db.query('DROP TABLE IF EXISTS ??', [name]);
      await close();
    }
  });
});
