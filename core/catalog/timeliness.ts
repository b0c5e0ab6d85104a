import { durationText } from '../contract/index.ts';
import type { Finding, Sample } from './quality.ts';

/** Periods of `every` milliseconds, counted back from now to the oldest entry looked at, that have an entry. */
export function timeliness({ entries, at }: Sample, every: number | undefined): Finding {
  if (every === undefined || every <= 0)
    return { numerator: 0, denominator: 0, rule: 'no entry is expected at any time; say how often in expects.every' };
  const rule = `periods of ${durationText(every)} with an entry, from the oldest entry looked at until now`;
  const past = entries.filter(({ time }) => time <= at).map(({ time }) => Math.floor((at - time) / (every * 1000)));
  if (past.length === 0) return { numerator: 0, denominator: 0, rule };
  return { numerator: new Set(past).size, denominator: past.reduce((most, period) => Math.max(most, period), 0) + 1, rule };
}
