import type { Json, JsonObject } from '../../core/contract/index.ts';
import type { Findings } from './find-json.ts';
import { Checks, type Reading } from './reading.ts';
import { type Status, worst } from './status.ts';

/** Why there is nothing to read in the JSON of an output. */
export interface NoReport {
  readonly why: string;
}

/**
 * Reads a report in either dialect, `{status, checks: {name: word}}` or `{checks: [{name, status, message}], summary: {status}}`,
 * or a mixture. Of several JSON objects the last one with checks counts, else the last one with a status. The status is the
 * worst of the declared one and the checks.
 */
export function readReport({ found, surrounded, gaveUp }: Findings): Reading | NoReport {
  const reports = found.map((one) => ({ ...one, rank: rankOf(one.value) })).filter(({ rank }) => rank > 0);
  const chosen = reports.findLast(({ rank }) => rank === 2) ?? reports.at(-1);
  if (!chosen) return { why: gaveUp ? 'looking for JSON in its output was given up: too many brackets' : whyNone(found) };
  const report = chosen.value as JsonObject;
  const checks = new Checks();
  const extras = addChecks(checks, report['checks']);
  const declared = declaredOf(report, checks);
  const { status: _, checks: __, ...rest } = report;
  const reported = { ...rest, ...(Object.keys(extras).length > 0 && { checks: extras }) };
  return {
    status: declared.length > 0 || checks.statuses.size > 0 ? worst([...declared, checks.worst]) : 'unknown',
    checks: checks.statuses,
    messages: checks.messages,
    ...(Object.keys(reported).length > 0 && { reported }),
    notes: [
      ...(surrounded ? ['other text around the JSON was left out'] : []),
      ...(reports.length > 1 ? [`it printed ${reports.length} reports; one of them counts, the last that lists checks if any does`] : []),
      ...(chosen.repaired > 0 ? [`${chosen.repaired} raw control characters inside JSON strings were escaped`] : []),
      ...(declared.length === 0 && checks.statuses.size === 0 ? ['the JSON holds neither a status nor a check'] : []),
      ...checks.notes(),
    ],
  };
}

function rankOf(value: unknown): 0 | 1 | 2 {
  if (!isObject(value)) return 0;
  if (isObject(value['checks']) || Array.isArray(value['checks']) || isObject(value['summary'])) return 2;
  return Object.hasOwn(value, 'status') ? 1 : 0;
}

function whyNone(found: Findings['found']): string {
  if (found.length === 0) return 'it printed no JSON';
  return isObject(found.at(-1)?.value) ? 'the JSON that it printed has neither status nor checks' : 'the JSON that it printed is no object';
}

/** What is declared about the whole. */
function declaredOf(report: JsonObject, checks: Checks): Status[] {
  const summary = report['summary'];
  return [
    ...(Object.hasOwn(report, 'status') ? [checks.understand('status', report['status'])] : []),
    ...(isObject(summary) && Object.hasOwn(summary, 'status') ? [checks.understand('summary.status', summary['status'])] : []),
  ];
}

/** Answers what the checks say besides status and message, by their names. */
function addChecks(checks: Checks, given: Json | undefined): JsonObject {
  const members: (readonly [string, Json])[] = Array.isArray(given)
    ? given.map((member: Json, index): [string, Json] => [nameOf(member) ?? `check ${index + 1}`, member])
    : isObject(given)
      ? Object.entries(given)
      : [];
  const extras = new Map<string, JsonObject>();
  for (const [name, member] of members) {
    if (!isObject(member)) {
      checks.add(name, member);
      continue;
    }
    const { name: _, status, message, ...rest } = member;
    const kept = checks.add(name, status, textOf(message));
    if (kept !== undefined && Object.keys(rest).length > 0) extras.set(kept, rest);
  }
  return Object.fromEntries(extras);
}

function nameOf(member: Json): string | undefined {
  return isObject(member) ? textOf(member['name']) : undefined;
}

function textOf(value: Json | undefined): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
