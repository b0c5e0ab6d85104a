import { parsePerfdata } from './perfdata.ts';
import { cut, lastLines, type Reading } from './reading.ts';
import { type Status, statusOf, worst } from './status.ts';

/** `SERVICE STATUS`, then the end or what separates it from the text. */
const STATUS_LINE = /^\s*((?:[\w./()[\]:-]+ ){0,8})(OK|WARNING|CRITICAL|UNKNOWN)(?=\s*(?:$|[-:|;,]))\s*[-:;,]*\s*/;
const LONGEST_HEAD = 2000;
const BY_EXIT_CODE: readonly Status[] = ['ok', 'warning', 'critical', 'unknown'];

/** Whether the first line is one of the Nagios convention, so that the exit code may be taken for the status. */
export function isStatusLine(text: string): boolean {
  return STATUS_LINE.test(firstLine(text));
}

/**
 * Reads the Nagios plugin convention: the exit code is the status, the first line is text, then perfdata behind a pipe; further
 * lines are more text up to a line with a pipe, behind which everything is perfdata.
 *
 * `trusted`: the configuration says that the script keeps the convention, so its exit code counts whatever its text says.
 * Otherwise a text that contradicts the exit code makes the status no better than `unknown`.
 */
export function readNagios(text: string, exitCode: number | null, name: string, trusted: boolean): Reading {
  const { head, long, perf } = parts(text);
  const match = STATUS_LINE.exec(head);
  const service = cut(match?.[1]?.trim().replace(/:$/, '') || name, 120);
  const coded = exitCode === null ? undefined : BY_EXIT_CODE[exitCode];
  const said = statusOf(match?.[2]);
  const contradicts = coded !== undefined && said !== undefined && said !== coded;
  const status = coded === undefined ? 'unknown' : contradicts && !trusted ? worst([coded, 'unknown']) : coded;
  const message = cut((match ? head.slice(match[0].length) : head).trim(), 1000);
  const { items, notes } = parsePerfdata(perf);
  const output = lastLines(long, 20, 4000);
  return {
    status,
    checks: new Map([[service, status]]),
    messages: new Map(message ? [[service, message]] : []),
    ...(Object.keys(items).length > 0 && { perfdata: items }),
    ...(output.length > 0 && { reported: { output } }),
    notes: [
      ...(coded === undefined && exitCode !== null ? [`exit code ${exitCode} is outside of the convention's 0 to 3`] : []),
      ...(contradicts ? [`exit code ${exitCode} means ${coded}, the text says ${said}`] : []),
      ...(head === '' ? ['it printed nothing'] : []),
      ...notes,
    ],
  };
}

function firstLine(text: string): string {
  return text.trimStart().slice(0, LONGEST_HEAD).split(/\r?\n/, 1)[0] as string;
}

function parts(text: string): { head: string; long: string; perf: string } {
  const trimmed = text.trim();
  const lineEnd = trimmed.indexOf('\n');
  const [first, rest] = lineEnd < 0 ? [trimmed, ''] : [trimmed.slice(0, lineEnd).trimEnd(), trimmed.slice(lineEnd + 1)];
  const [head, perf] = atPipe(first);
  const [long, more] = atPipe(rest);
  return { head: head.trim().slice(0, LONGEST_HEAD), long, perf: `${perf}\n${more}` };
}

function atPipe(text: string): [before: string, behind: string] {
  const pipe = text.indexOf('|');
  return pipe < 0 ? [text, ''] : [text.slice(0, pipe), text.slice(pipe + 1)];
}
