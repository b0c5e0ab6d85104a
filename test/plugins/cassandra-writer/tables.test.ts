import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeWithCassandra } from '../../cassandra/shared.ts';
import { entry, openStage, type Stage } from './writer-stage.ts';

describeWithCassandra('tables that go away while lines are written', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await openStage();
    await stage.sink.write([entry('before', { request_id: 'r' })]);
  });
  afterEach(() => stage?.close());

  const lines = Array.from({ length: 500 }, (_, n) => entry(`line.${n}`, { request_id: `r${n}` }));

  it.each(['application_logs', 'application_logs_by_request', 'log_hours', 'log_batches'])(
    '%s: no line is blamed, the error names the command, and all is written when the table is back',
    async (table) => {
      await stage.run(`DROP TABLE %.${table}`);
      // A node with much to do may not answer in time, and then that is told first.
      const failure = () => stage.sink.write(lines).catch((error: Error) => `${(error as { code?: string }).code}: ${error.message}`);
      const wanted = new RegExp(`^ERR_CASSANDRA_SCHEMA: .*no table ${table}.*cauce schema apply`);
      await expect.poll(failure, { timeout: 60_000 }).toMatch(wanted);
      const mending = stage.another({}, 'mending');
      await mending.ready();
      await mending.stop();
      expect(await stage.sink.write(lines)).toEqual([]);
      const rows = await stage.rows('id');
      for (const { id } of lines) expect(rows.has(id)).toBe(true);
    },
  );

  it('no line is there without its pointer', async () => {
    await stage.run('DROP TABLE %.application_logs_by_request');
    await expect(stage.sink.write(lines)).rejects.toThrow();
    expect([...(await stage.rows('id')).keys()]).toEqual(['before']);
  });

  it('no batch is told whose lines are not there', async () => {
    const told = async () => (await stage.run('SELECT lines FROM %.log_batches')).length;
    const before = await told();
    await stage.run('DROP TABLE %.application_logs');
    await expect(stage.sink.write(lines)).rejects.toThrow();
    expect(await told()).toBe(before);
  });
});
