import { durationText } from '../../core/contract/index.ts';

/** For how long a line is kept, as its row has it. */
export interface RowKept {
  /** Of the agent that read the line. */
  readonly host: string;
  /** From the line's time on; absent when it does not expire. */
  readonly seconds?: number;
}

/** What the rows say of how long they are kept, beside what options and tables say. */
export interface RowsKept {
  /** As it was found last; undefined while there is no line, or nobody looked. */
  readonly seen: RowKept | undefined;
  look(signal: AbortSignal): Promise<unknown>;
}

/** Clocks of agents differ, and a time to live is in whole seconds. */
const HOUR_S = 3600;

/** What to mend when the line is kept otherwise than `keep`, in milliseconds, says; undefined when it is kept so. */
export function rowKeptText(row: RowKept | undefined, keep: number): string | undefined {
  if (!row) return undefined;
  const { host, seconds } = row;
  if (seconds !== undefined && Math.abs(seconds - keep / 1000) <= HOUR_S) return undefined;
  const whose = host === '' ? 'the newest line' : `the newest line, of the host ${host},`;
  const hours = seconds === undefined ? 0 : Math.max(1, Math.round(seconds / HOUR_S));
  const is = seconds === undefined ? 'does not expire' : `expires ${durationText(hours * HOUR_S * 1000)} after its time`;
  return `but ${whose} ${is}: set keep: ${durationText(keep)} in the sink of its writer as well, or mend it here`;
}
