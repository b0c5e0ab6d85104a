import { afterAll, beforeAll, it } from 'vitest';
import { sourceConformance } from '../../../core/conformance/index.ts';
import plugin from '../../../plugins/mysql-metrics/index.ts';
import { describeWithMariaDb, type MariaDb, startMariaDb } from '../../mariadb/server.ts';
import { addRows, DORA } from './stage.ts';

describeWithMariaDb('on a real server', () => {
  let db: MariaDb;
  beforeAll(async () => {
    db = await startMariaDb();
  });
  afterAll(() => db?.remove());

  sourceConformance(
    { describe: describeWithMariaDb, it },
    {
      definition: plugin as never,
      async setup() {
        await db.query('DROP TABLE IF EXISTS dora_metrics');
        await db.query(DORA);
        return { options: { url: db.url, every: '20ms' }, add: (count) => addRows(db, count), cleanup: async () => undefined };
      },
    },
  );
});
