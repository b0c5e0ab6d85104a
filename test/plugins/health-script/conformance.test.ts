import { describe, it } from 'vitest';
import { sourceConformance } from '../../../core/conformance/index.ts';
import plugin from '../../../plugins/health-script/index.ts';
import { Stage } from './stage.ts';

sourceConformance(
  { describe, it },
  {
    definition: plugin as never,
    async setup() {
      const stage = await Stage.open();
      const command = await stage.script(`echo '{"status":"ok","checks":{"disk":"ok"}}'`);
      return { options: { command, every: '100ms' }, cleanup: () => stage.close() };
    },
  },
);
