import {
  choiceParameter,
  collectParameters,
  type DoraEvidence,
  type DoraFigure,
  type DoraReport,
  type DoraRequest,
  formatTime,
  integerParameter,
  LONGEST_DAYS,
  listParameter,
  type Micros,
  MOST_EVIDENCE,
  now,
  RequestError,
  type Services,
  timeParameter,
} from '../../core/contract/index.ts';
import type { Answer } from './answer.ts';
import { DORA_GROUPS, doraParameters } from './dora-schema.ts';
import { throwIfAllFailed } from './faults.ts';
import { labelsOf, noteOf, reportsOf } from './reports.ts';

const DAY = 86_400_000_000;

/** Answers `GET /api/data/dora`; `search` is the query string as it came. */
export async function answerDora(search: string, agent: Pick<Services, 'dora'>, signal: AbortSignal): Promise<Answer> {
  const { evidence, ...request } = parseDora(new URLSearchParams(search), now());
  const report = await agent.dora(request, signal);
  const page = { entries: [], sources: report.sources, notes: report.notes };
  if (report.sources.every(({ count }) => count === 0)) throwIfAllFailed(page);
  const { from, to, group } = request;
  const body = {
    days: (to - from) / DAY,
    group,
    from: formatTime(from),
    to: formatTime(to),
    source: labelsOf(page),
    keys: Object.fromEntries(Object.entries(report.keys).map(([key, figure]) => [key, told(figure, evidence)])),
    series: report.series.map(({ time, ...values }) => ({ time: formatTime(time), ...values })),
    definitions: report.definitions,
    sources: reportsOf(page),
    ...noteOf([...report.notes, ...shortened(report)]),
  };
  return { headers: { 'content-type': 'application/json; charset=utf-8' }, body: Buffer.from(JSON.stringify(body)) };
}

function parseDora(search: URLSearchParams, at: Micros): DoraRequest & { readonly evidence: number } {
  const values = collectParameters(search, Object.keys(doraParameters.shape));
  const days = integerParameter(values, 'days', 90, LONGEST_DAYS);
  const to = timeParameter(values, 'to', at) ?? at;
  const from = timeParameter(values, 'from', at) ?? to - days * DAY;
  if (from >= to) throw new RequestError('from', 'from must be earlier than to');
  const sources = listParameter(values, 'source').flatMap((text) => text.split(','));
  return {
    from,
    to,
    group: choiceParameter(values, 'group', DORA_GROUPS),
    ...(sources.length > 0 && { sources }),
    evidence: integerParameter(values, 'rows', MOST_EVIDENCE, MOST_EVIDENCE, 0),
  };
}

function told({ rows, open, ...figure }: DoraFigure, most: number) {
  return { ...figure, rows: listed(rows, most), ...(open && { open: listed(open, MOST_EVIDENCE) }) };
}

function listed(list: readonly DoraEvidence[], most: number) {
  return list.slice(0, most).map((one) => ({ ...one, time: formatTime(one.time) }));
}

/** Of `rows`, `n` tells how many there are; of the open ones nothing else does. */
function shortened({ keys }: DoraReport): string[] {
  const { open = [] } = keys.time_to_restore;
  return open.length < MOST_EVIDENCE ? [] : [`only the newest ${MOST_EVIDENCE} failures that are open are listed`];
}
