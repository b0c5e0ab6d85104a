import { appendFile } from 'node:fs/promises';
import { describe, it } from 'vitest';
import { sourceConformance } from '../../../core/conformance/index.ts';
import plugin from '../../../plugins/json-logs/index.ts';
import { line, Stage } from './stage.ts';

sourceConformance(
  { describe, it },
  {
    definition: plugin as never,
    async setup() {
      const stage = await Stage.open();
      let n = 0;
      return {
        options: { paths: stage.path('app.json.log'), poll: '50ms' },
        async add(count) {
          const lines = Array.from({ length: count }, () => `${line(n++)}\n`);
          await appendFile(stage.path('app.json.log'), lines.join(''));
        },
        cleanup: () => stage.close(),
      };
    },
  },
);
