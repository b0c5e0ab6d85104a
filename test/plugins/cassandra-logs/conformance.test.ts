import { it } from 'vitest';
import { sourceConformance } from '../../../core/conformance/index.ts';
import { HOUR, hourOf } from '../../../plugins/cassandra/keys.ts';
import plugin from '../../../plugins/cassandra-logs/index.ts';
import { describeWithCassandra } from '../../cassandra/shared.ts';
import { line } from './query-stage.ts';
import { openStage } from './store-stage.ts';

sourceConformance(
  { describe: describeWithCassandra, it },
  {
    definition: plugin as never,
    async setup() {
      const stage = await openStage();
      const begin = hourOf(Date.now() * 1000) - HOUR;
      let n = 0;
      return {
        options: { ...stage.options, every: '20ms', overlap: '10s' },
        async add(count) {
          await stage.writeRows(Array.from({ length: count }, () => line(`id${++n}`, begin + n * 1000, { n })));
        },
        cleanup: () => stage.close(),
      };
    },
  },
);
