import { collectParameters, formatTime, type RetentionRun, type Services } from '../../core/contract/index.ts';
import type { Answer } from './answer.ts';

/** Answers `GET /api/data/retention`, which has no parameters; its shape is `retentionAnswer`. */
export async function answerRetention(search: string, agent: Pick<Services, 'retention'>): Promise<Answer> {
  collectParameters(new URLSearchParams(search), []);
  const { schedule, next, policies, last } = await agent.retention.report();
  const body = { schedule, next: next === null ? null : formatTime(next), policies, last: last && spelt(last) };
  return { headers: { 'content-type': 'application/json; charset=utf-8' }, body: Buffer.from(JSON.stringify(body)) };
}

/** Its time in RFC 3339. */
function spelt(run: RetentionRun) {
  return { ...run, time: formatTime(run.time) };
}
