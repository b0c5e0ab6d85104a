import type { FollowFacet } from '../contract/index.ts';
import { followByKey } from './follow-by-key.ts';
import { followByTime } from './follow-by-time.ts';
import type { TableSource } from './source.ts';

export interface TableFollow extends Pick<TableSource, 'database' | 'table' | 'source' | 'every' | 'late' | 'log'> {
  /** Milliseconds since 1970; the clock, unless a test has its own. */
  now?(): number;
}

/**
 * Follows a table by polling. With an integer key `exact`: every row that is committed within `late` comes once. Without one
 * `overlap`: by time, and rows of the last `late` may come again after a resume. An error of the database ends the feed; the
 * core opens it again behind the last entry.
 */
export function tableFollow(options: TableFollow): FollowFacet {
  const byKey = () => options.table().key.kind === 'integer';
  return {
    // While the table is not known, the weaker promise stands.
    get replay() {
      try {
        return byKey() ? 'exact' : 'overlap';
      } catch {
        return 'overlap';
      }
    },
    open: (request, signal) => (byKey() ? followByKey : followByTime)(options, request, signal),
  };
}
