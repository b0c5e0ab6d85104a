import { createHash } from 'node:crypto';
import { type Draft, formatTime, type JsonObject, type Micros } from '../../core/contract/index.ts';
import type { Standing } from './course.ts';
import { cut, lastLines, type Reading } from './reading.ts';
import type { Outcome } from './run-script.ts';
import type { Status } from './status.ts';

/** One finished run. */
export interface Result {
  readonly id: string;
  /** When it had ended. */
  readonly time: Micros;
  /** `performance.now()` at that time. */
  readonly at: number;
  readonly body: Body;
}

export interface Body extends JsonObject {
  readonly timestamp: string;
  readonly source: string;
  readonly status: Status;
  readonly checks: Readonly<Record<string, Status>>;
  readonly details: JsonObject & { readonly duration_ms: number; readonly notes: readonly string[] };
}

const STDERR_LINES = 10;
const STDERR_CHARACTERS = 2048;
const MAX_NOTES = 20;
const MAX_NOTE = 500;
/** A result is kept for a month, once a minute: what a script says beside its checks must not fill the disk. */
const MAX_REPORTED = 16 * 1024;

export interface Making {
  /** The instance's name. */
  readonly source: string;
  readonly script: string;
  readonly command: readonly string[];
  readonly time: Micros;
  readonly outcome: Outcome;
  readonly reading: Reading;
  readonly standing: Standing;
  mask(text: string): string;
}

/** The JSON of a run: `{timestamp, source, status, checks, details}`. */
export function bodyOf({ source, script, command, time, outcome, reading, standing, mask }: Making): Body {
  const { perfdata, reported } = bounded(reading);
  const notes = [...reading.notes, ...reported.notes].slice(0, MAX_NOTES);
  return {
    timestamp: formatTime(time),
    source,
    status: reading.status,
    checks: Object.fromEntries(reading.checks),
    details: {
      script,
      command: command.map((word) => cut(mask(word), 1000)),
      exit_code: outcome.exitCode,
      signal: outcome.signal,
      duration_ms: outcome.durationMs,
      checked_at: formatTime(time),
      state: standing.state,
      attempt: standing.attempt,
      flapping: standing.flapping,
      change_percent: standing.changePercent,
      messages: Object.fromEntries(reading.messages),
      ...(perfdata && { perfdata }),
      stderr: lastLines(mask(outcome.stderr), STDERR_LINES, STDERR_CHARACTERS),
      notes: notes.map((note) => cut(mask(note), MAX_NOTE)),
      ...(reported.value && { reported: reported.value }),
    },
  };
}

function bounded({ perfdata, reported }: Reading) {
  const length = reported ? JSON.stringify(reported).length : 0;
  const fits = length <= MAX_REPORTED;
  const note = `what else it said is left out: it is ${length} characters of JSON, and ${MAX_REPORTED} are kept`;
  return { perfdata, reported: { value: fits ? reported : undefined, notes: fits ? [] : [note] } };
}

/** The same for the same run of the same instance, whoever asks; at most 96 printable characters. */
export function idOf(host: string, instance: string, time: Micros): string {
  const name = createHash('sha256').update(`${host}\0${instance}`).digest('base64url').slice(0, 16);
  return `${time.toString(36)}.${name}`;
}

/** As it is recorded. */
export function recordOf({ id, time, body }: Result): Draft {
  return { id, time, json: JSON.stringify(body) };
}

/** As the present state is told: with its age. */
export function presentOf(result: Result): Draft {
  const { id, time, body } = result;
  const age = Math.round(ageOf(result)) / 1000;
  return { id, time, json: JSON.stringify({ ...body, details: { ...body.details, age_seconds: age } }) };
}

/** Milliseconds since it ended, by the clock that says more: one may have been set back, the other stands still in a suspended machine. */
export function ageOf({ time, at }: Result): number {
  return Math.max(performance.now() - at, Date.now() - time / 1000);
}
