import { describe, it } from 'vitest';
import { sourceConformance } from '../../../core/conformance/index.ts';
import plugin from '../../../plugins/sqlite-metrics/index.ts';
import { Stage } from './stage.ts';

const PHASES = ['planning', 'development', 'testing', 'deployment'];

sourceConformance(
  { describe, it },
  {
    definition: plugin as never,
    async setup() {
      const stage = await Stage.open();
      let n = 0;
      const row = () => {
        const number = n++;
        // Some rows have the same time.
        const second = String(Math.floor(number / 2) % 60).padStart(2, '0');
        return [`c${number}`, `f${number % 3}`, PHASES[number % 4] as string, 'go', number / 4, `2025-11-07 02:00:${second}.000000`];
      };
      return {
        options: { path: stage.path, every: '20ms' },
        async add(count) {
          stage.sql(
            'INSERT INTO dora_metrics (cycle_id, feature_id, phase_name, decision, duration_seconds, created_at) VALUES (?, ?, ?, ?, ?, ?)',
            ...Array.from({ length: count }, row),
          );
        },
        cleanup: () => stage.close(),
      };
    },
  },
);
