import { type DataType, duration, z } from '../contract/index.ts';
import type { Vocabulary } from '../dora/vocabulary.ts';

/** What a source's owner promises of its entries; its quality is measured by it. What is left out follows from the data type. */
export const expectationsOptions = z
  .strictObject({
    required: z.array(z.string().min(1)).optional().describe('Fields that every entry has, with a value other than null and "".'),
    values: z.record(z.string(), z.array(z.string()).min(1)).optional().describe('The values that a field may have.'),
    every: duration().optional().describe('At least one entry is expected in every period of this length.'),
  })
  .prefault({})
  .describe('What entries of this source should look like; the catalogue measures their quality by it.');

export type Expectations = z.output<typeof expectationsOptions>;

/** What is usual for a data type. */
export interface Customs {
  /** Fields that every entry has, as far as the source has them at all. */
  readonly fields: readonly string[];
  /** Values of fields; compared without case, `_`, `-` and spaces. */
  readonly values: Readonly<Record<string, readonly string[]>>;
  /** Milliseconds; absent: nothing is usual. */
  readonly every?: number;
}

const HOUR_MS = 3_600_000;
const PHASES = ['planning', 'testing', 'development', 'deployment', 'incident', 'recovery', 'maintenance'];
const LEVELS = ['trace', 'debug', 'info', 'notice', 'warning', 'warn', 'error', 'critical', 'fatal', 'alert', 'emergency'];
const STATES = ['ok', 'warning', 'critical', 'unknown'];

export function customsOf(type: DataType, words: Vocabulary): Customs {
  switch (type) {
    case 'metrics': {
      const { deployment, incident, success, failure, rollback, recovered, neutral } = words;
      return {
        fields: ['cycle_id', 'feature_id', 'phase_name', 'decision'],
        values: {
          phase_name: [...PHASES, ...deployment, ...incident],
          decision: [...success, ...failure, ...rollback, ...recovered, ...neutral],
        },
        every: 7 * 24 * HOUR_MS,
      };
    }
    case 'logs':
      return { fields: ['timestamp', 'level', 'message'], values: { level: LEVELS }, every: HOUR_MS };
    case 'health':
      return { fields: ['timestamp', 'status', 'checks'], values: { status: STATES }, every: HOUR_MS / 4 };
    default:
      return { fields: [], values: {} };
  }
}
