import type { Query } from '../../core/contract/index.ts';
import { type HourEntry, hoursOf } from './directory.ts';
import { FewHours } from './few-hours.ts';
import { Hour, type HourReading } from './hour.ts';
import type { Line } from './lines.ts';

/** Hours that are read ahead at most, and services of them. */
const MOST_AHEAD = { hours: 32, services: 64 };
/** Lines to read when nobody says how many are wanted: a little more than a page of the API, then as many again, and so on. */
const FIRST = 1100;
const MOST_HELD = 20_000;

/**
 * Lines of a range in the query's order, hour after hour. As many hours are read ahead as are likely to be needed, by what those
 * before them brought.
 */
export async function* linesByHours(
  reading: HourReading,
  range: Pick<Query, 'from' | 'to' | 'order' | 'limit'>,
  signal: AbortSignal,
): AsyncGenerator<readonly Line[], void, void> {
  const { reads, narrowing } = reading;
  const few = narrowing.levels && new FewHours(reads, narrowing.levels, signal);
  const entries = narrowed(hoursOf(reads, range, signal), narrowing.services, few);
  const { limit = Number.POSITIVE_INFINITY } = range;
  const begun: Hour[] = [];
  const past = { hours: 0, lines: 0 };
  let services = 1;
  const wanted = () => reads.held(Math.min(limit - past.lines, wantedBehind(past.lines)));
  for (let all = false; ; past.hours++) {
    await few?.after(past.hours);
    for (const ahead = hoursAhead(past, wanted(), services); !all && begun.length <= ahead; ) {
      const { value: entry } = await entries.next();
      if (entry) {
        services = entry.services.length;
        begun.push(new Hour(reading, entry, Math.ceil(wanted() / (begun.length + 1))));
      } else {
        all = true;
      }
    }
    const hour = begun.shift();
    if (!hour) return;
    while (!hour.ended) {
      const lines = (await hour.take()).slice(0, limit - past.lines);
      past.lines += lines.length;
      const enough = past.lines === limit;
      // Read on while these lines are looked at.
      if (!enough && !hour.ended) hour.fill(wanted());
      if (lines.length > 0) yield lines;
      if (enough) return;
    }
  }
}

/** How many more lines to count on behind so many. */
function wantedBehind(lines: number): number {
  return lines < FIRST ? FIRST - lines : Math.min(lines, MOST_HELD);
}

/** So many hours are likely to hold what is wanted; while nothing was found, twice as many each time. */
function hoursAhead(past: { readonly hours: number; readonly lines: number }, wanted: number, services: number): number {
  const likely = past.lines > 0 ? Math.ceil((wanted * past.hours) / past.lines) - 1 : Number.POSITIVE_INFINITY;
  return Math.max(0, Math.min(likely, 2 * past.hours, MOST_AHEAD.hours, Math.floor(MOST_AHEAD.services / services)));
}

/** Only these services, and those whose lines may say theirs in a list; only where there can be lines of the wanted levels. */
async function* narrowed(
  entries: AsyncGenerator<HourEntry, void, void>,
  names: ReadonlySet<string> | undefined,
  few: FewHours | undefined,
): AsyncGenerator<HourEntry, void, void> {
  for await (const { hour, services } of entries) {
    const wanted = services.filter((one) => (!names || one.lists || names.has(one.service)) && (!few || few.mayHold(hour, one)));
    if (wanted.length > 0) yield { hour, services: wanted };
  }
}
