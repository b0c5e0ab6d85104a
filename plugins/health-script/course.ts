import { describe, type KeyValue, type Log, z } from '../../core/contract/index.ts';
import { changePercent } from './flapping.ts';
import type { Options } from './options.ts';
import { STATUSES, type Status } from './status.ts';

const KEY = 'course';

const remembered = z.object({
  /** Oldest first. */
  recent: z.array(z.enum(STATUSES)),
  attempt: z.int().min(1),
  flapping: z.boolean(),
});
type Remembered = z.output<typeof remembered>;

/** How a result stands among those before it. */
export interface Standing {
  readonly state: 'soft' | 'hard';
  /** Which of the equal results in a row this is, counted up to `attempts`; 1 for `ok`. */
  readonly attempt: number;
  readonly flapping: boolean;
  /** Rounded to hundredths. */
  readonly changePercent: number;
  /** The status before; absent for the first result ever. */
  readonly before?: Status;
  /** Whether flapping started or ended with this result. */
  readonly turned: boolean;
}

export interface Course {
  /** Takes the next result; kept across restarts. Never concurrent. */
  record(status: Status): Promise<Standing>;
}

/** A state that cannot be read or kept costs the memory of earlier results, not the result: that is logged. */
export function createCourse({ attempts, flapping: limits }: Pick<Options, 'attempts' | 'flapping'>, kept: KeyValue, log: Log): Course {
  let known: Remembered | undefined;

  async function recall(): Promise<Remembered> {
    const fresh: Remembered = { recent: [], attempt: 1, flapping: false };
    try {
      const value = await kept.get(KEY);
      if (value === undefined) return fresh;
      const parsed = remembered.safeParse(value);
      if (parsed.success) return parsed.data;
      log.warn('what was remembered of earlier results is unreadable; counting begins anew');
    } catch (error) {
      log.warn('what was remembered of earlier results cannot be read; counting begins anew', { error: describe(error) });
    }
    return fresh;
  }

  return {
    async record(status) {
      known ??= await recall();
      const before = known.recent.at(-1);
      const attempt = status === 'ok' || status !== before ? 1 : Math.min(known.attempt + 1, attempts);
      const recent = [...known.recent, status].slice(-limits.window);
      const percent = changePercent(recent, limits.window);
      const flapping = limits.enabled && (known.flapping ? percent >= limits.low : percent >= limits.high);
      const turned = flapping !== known.flapping;
      known = { recent, attempt, flapping };
      await kept.set(KEY, known).catch((error: unknown) => {
        log.warn('the result cannot be remembered for the time after a restart', { error: describe(error) });
      });
      return {
        state: status === 'ok' || attempt >= attempts ? 'hard' : 'soft',
        attempt,
        flapping,
        changePercent: Math.round(percent * 100) / 100,
        ...(before && { before }),
        turned,
      };
    },
  };
}
