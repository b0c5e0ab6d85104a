import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { getJson, logLine, type RunningAgent, runCli, startAgent, writeConfig } from '../../integration/agent.ts';
import { describeWithOwnMariaDb, type MariaDb, startOwnMariaDb } from '../../mariadb/server.ts';
import { addRows, DORA, untilRunning } from './stage.ts';

const SECRET = 's3cr3t-Pa55word';
/** The least that the server takes; its administrator has one more. */
const CONNECTIONS = 10;

describeWithOwnMariaDb('the whole agent beside a database that has troubles', () => {
  let db: MariaDb;
  let folder: string;
  let agent: RunningAgent | undefined;
  let answers: string[] = [];

  beforeAll(async () => {
    db = await startOwnMariaDb([`--max-connections=${CONNECTIONS}`]);
    await db.query(`CREATE USER agent@'%' IDENTIFIED BY '${SECRET}'; GRANT ALL ON cauce_test.* TO agent@'%'`);
  });
  afterAll(() => db?.remove());
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cauce-my-'));
    answers = [];
    await db.query(`DROP VIEW IF EXISTS slow_metrics; DROP TABLE IF EXISTS dora_metrics; ALTER USER agent@'%' IDENTIFIED BY '${SECRET}'`);
    await db.query(DORA);
    await addRows(db, 5);
  });
  afterEach(async () => {
    const logged = agent?.logged.join('\n') ?? '';
    await agent?.kill('SIGKILL');
    agent = undefined;
    await rm(folder, { recursive: true, force: true });
    expect(logged + answers.join('\n')).not.toContain('s3cr3t');
  });

  async function run(options = '', url = `mysql://agent:${SECRET}@127.0.0.1:${db.port}/cauce_test`): Promise<RunningAgent> {
    await writeFile(join(folder, 'app.json.log'), logLine('a line'));
    const sources = `app: { use: json-logs, paths: [./app.json.log] }\ndora: { use: mysql-metrics, url: "${url}", every: 100ms, connect_timeout: 1s${options} }`;
    agent = await startAgent(folder, await writeConfig(folder, sources));
    return agent;
  }
  const ask = async (more = '') => {
    const answer = await getJson(`${agent?.url}/api/data/query?type=metrics${more}`);
    answers.push(JSON.stringify(answer.body));
    return answer;
  };
  /** A problem that says what is wrong, while the logs are answered. */
  async function expectProblem(message: RegExp): Promise<void> {
    const { status, body } = await ask();
    expect({ status, detail: body.detail }).toEqual({ status: 503, detail: expect.stringMatching(message) });
    expect(body.error).toEqual(expect.any(String));
    const logs = await getJson(`${agent?.url}/api/data/query?type=logs`);
    expect(logs).toMatchObject({ status: 200, body: { count: 1 } });
  }
  async function expectRows(count = 5): Promise<void> {
    const { status, body } = await ask();
    expect({ status, count: body.count }).toEqual({ status: 200, count });
    const { body: ready } = await getJson(`${agent?.url}/-/ready`);
    expect(ready.instances.find(({ name }: { name: string }) => name === 'dora')).toMatchObject({ restarts: 0 });
  }

  it('is killed amid a query, stays away, and comes back', async () => {
    await db.query('CREATE VIEW slow_metrics AS SELECT dora_metrics.*, SLEEP(20) AS slept FROM dora_metrics');
    await run(', table: slow_metrics');
    const asking = ask();
    await untilRunning(db, '%slow_metrics%ORDER BY%', true);
    await db.stop('SIGKILL');
    const { status, body } = await asking;
    expect({ status, detail: body.detail }).toEqual({
      status: 503,
      detail: expect.stringMatching(new RegExp(`127\\.0\\.0\\.1:${db.port}`)),
    });
    await expectProblem(/nothing listens at 127\.0\.0\.1:\d+: start the database server/);
    await db.restart();
    await db.query('CREATE OR REPLACE VIEW slow_metrics AS SELECT * FROM dora_metrics');
    await expect.poll(async () => (await ask()).status, { timeout: 10_000 }).toBe(200);
    await expectRows();
  });

  it('is not there when the agent starts', async () => {
    await db.stop();
    await run();
    await expectProblem(/nothing listens/);
    await db.restart();
    await expectRows();
  });

  it('has no connection left', async () => {
    const held = await Promise.all(
      Array.from({ length: CONNECTIONS }, () => createConnection(`mysql://agent:${SECRET}@127.0.0.1:${db.port}/cauce_test`)),
    );
    try {
      await run();
      await expectProblem(/has no connection left: raise max_connections/);
    } finally {
      await Promise.all(held.map((connection) => connection.end()));
    }
    await expect.poll(async () => (await ask()).status, { timeout: 10_000 }).toBe(200);
    await expectRows();
  });

  it('is slow, because somebody holds a lock', async () => {
    await run(', timeout: 1s');
    await expectRows();
    const locker = await createConnection(db.url);
    await locker.query('LOCK TABLES dora_metrics WRITE');
    await expectProblem(/took longer than timeout allows: the table is locked/);
    await locker.end();
    await expectRows();
  });

  it('refuses the password until it is mended there', async () => {
    await db.query("ALTER USER agent@'%' IDENTIFIED BY 'another'");
    await run();
    await expectProblem(/refuses the login of agent: mend user and password/);
    await db.query(`ALTER USER agent@'%' IDENTIFIED BY '${SECRET}'`);
    await expectRows();
  });

  it('lacks a privilege, then the table, until it has both', async () => {
    await db.query("REVOKE ALL ON cauce_test.* FROM agent@'%'; DROP TABLE dora_metrics");
    try {
      await run();
      await expectProblem(/agent lacks a privilege for dora_metrics at .*: GRANT SELECT/);
    } finally {
      await db.query("GRANT ALL ON cauce_test.* TO agent@'%'");
    }
    await expectProblem(/there is no table dora_metrics at .*cauce schema apply/);
    await db.query(DORA);
    await expectRows(0);
  });

  it('gets its table by `cauce schema apply` while the agent runs', async () => {
    await db.query('DROP TABLE dora_metrics');
    await run();
    await expectProblem(/there is no table/);
    const { code, stdout, stderr } = await runCli(['schema', 'apply', '--source', 'dora', '--config', join(folder, 'cauce.yaml')], folder);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('create the table dora_metrics');
    await expectRows(0);
  });

  it('gets another column while the agent runs: it is one more field', async () => {
    await run();
    await expectRows();
    await db.query("ALTER TABLE dora_metrics ADD COLUMN team VARCHAR(20) NOT NULL DEFAULT 'core'");
    await expectRows();
    await expect.poll(async () => (await ask()).body.data[0].team, { timeout: 20_000, interval: 500 }).toBe('core');
  });

  it('is configured with a column that is not there: the error names those that are', async () => {
    await run(', time_column: created');
    await expectProblem(/time_column: dora_metrics has no column created; .*it has id, cycle_id, feature_id/);
  });
});
