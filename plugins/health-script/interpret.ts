import { isUtf8 } from 'node:buffer';
import { findJson } from './find-json.ts';
import { type NoReport, readReport } from './json-dialect.ts';
import { isStatusLine, readNagios } from './nagios-dialect.ts';
import type { Options } from './options.ts';
import { cut, lastLines, type Reading } from './reading.ts';
import type { Outcome } from './run-script.ts';
import { worst } from './status.ts';

export interface Interpreting {
  readonly options: Pick<Options, 'command' | 'cwd' | 'dialect' | 'timeout' | 'max_output'>;
  /** What a check is called that has no name of its own. */
  readonly name: string;
  mask(text: string): string;
}

/** Says what a run means. Whatever was run and printed, the answer is one of the four states, and never better than what is known. */
export function interpret(outcome: Outcome, around: Interpreting): Reading {
  if (outcome.unstarted) return nothing('', [unstarted(outcome.unstarted, around.options)]);
  const text = around.mask(new TextDecoder().decode(outcome.stdout));
  const reading = read(text, outcome, around);
  const broken = brokenOff(outcome, around.options);
  return {
    ...reading,
    status: broken ? worst([reading.status, 'unknown']) : reading.status,
    notes: [
      ...(broken ? [broken] : []),
      ...(isUtf8(outcome.stdout) ? [] : ['its output is not UTF-8; what could not be decoded is shown as U+FFFD']),
      ...reading.notes,
      ...outcome.notes,
    ],
  };
}

function read(text: string, outcome: Outcome, { options, name }: Interpreting): Reading {
  const { dialect } = options;
  if (dialect === 'nagios') return readNagios(text, outcome.exitCode, name, true);
  if (text.trim() === '') return nothing(text, ['it printed nothing', ...exitCodeNotes(outcome)]);
  const findings = findJson(text);
  const report = readReport(findings);
  if (!('why' in report)) return { ...report, notes: [...report.notes, ...disagreement(report, outcome)] };
  const onlyJson = findings.found.length > 0 && !findings.surrounded;
  if (dialect === 'auto' && !onlyJson && isStatusLine(text)) return readNagios(text, outcome.exitCode, name, false);
  return nothing(text, [explain(report, text, outcome), ...exitCodeNotes(outcome)]);
}

function explain({ why }: NoReport, text: string, { exitCode }: Outcome): string {
  if (isScalar(text)) return 'the JSON that it printed is no object';
  return exitCode !== null && exitCode <= 3 ? `${why}; if its exit code is to count, set dialect: nagios` : why;
}

function isScalar(text: string): boolean {
  return /^\s*(?:"[^"]*"|-?\d[\d.eE+-]*|true|false|null)\s*$/.test(text.slice(0, 4096));
}

function nothing(text: string, notes: readonly string[]): Reading {
  const output = lastLines(text, 10, 2048);
  return { status: 'unknown', checks: new Map(), messages: new Map(), ...(output.length > 0 && { reported: { output } }), notes };
}

function disagreement({ status }: Reading, { exitCode }: Outcome): string[] {
  const agrees = exitCode === 0 ? status !== 'critical' : status !== 'ok';
  if (exitCode === null || agrees) return [];
  return [`exit code ${exitCode} does not go with ${status}; what it printed counts`];
}

function exitCodeNotes({ exitCode }: Outcome): string[] {
  if (exitCode === 127) return ['exit code 127: a shell says by it that a command was not found'];
  if (exitCode === 126) return ['exit code 126: a shell says by it that a command may not be executed'];
  return [];
}

function brokenOff({ ended, signal }: Outcome, options: Interpreting['options']): string | undefined {
  if (ended === 'timeout') return `it did not end within ${options.timeout / 1000} s; its whole process group was ended`;
  if (ended === 'output') return `it printed more than ${options.max_output} bytes: the rest was cut off, and it was ended`;
  return signal ? `it was ended by ${signal}` : undefined;
}

function unstarted({ code, message }: NodeJS.ErrnoException, { command, cwd }: Interpreting['options']): string {
  const [program = ''] = command;
  const shown = JSON.stringify(cut(program, 200));
  if (code === 'EACCES') return `${shown} may not be executed (EACCES); make it executable, or run it through its interpreter`;
  if (code !== 'ENOENT') return `${shown} could not be started: ${message}`;
  const folder = cwd === undefined ? '' : `, or the folder ${JSON.stringify(cwd)} is not there`;
  const hint = command.length === 1 && /\s/.test(program) ? '; write the program and its arguments as a list' : '';
  return `${shown} was not found (ENOENT)${folder}${hint}`;
}
