import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { partitionOf } from '../../../plugins/cassandra/keys.ts';
import { describeWithCassandra } from '../../cassandra/shared.ts';
import { entry, openStage, type Stage } from './writer-stage.ts';

describeWithCassandra('what the README says for cqlsh', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage({ keep: '4000d' });
  });
  afterAll(() => stage?.close());

  it('finds the lines', async () => {
    const readme = await readFile('plugins/cassandra-writer/README.md', 'utf8');
    const [, block = ''] = /```sql\n(SELECT[^`]+)```/.exec(readme) ?? [];
    const statements = block.split(';').filter((text) => text.trim() !== '');
    expect(statements.length).toBe(4);
    const body = { service: 'calls', level: 'ERROR', message: 'no answer', request_id: 'req-1' };
    const time = Date.UTC(2025, 10, 7, 2, 30) * 1000;
    const ids = Array.from({ length: 100 }, (_, n) => `readme.${n}`);
    const id = ids.find((one) => partitionOf('calls', time, one, 8).shard === 0) ?? '';
    await stage.sink.write([entry(id, body, { time })]);
    for (const statement of statements) {
      const rows = await stage.run(statement.replaceAll('logging.', '%.'));
      expect(rows.length, statement).toBe(1);
    }
  });
});
