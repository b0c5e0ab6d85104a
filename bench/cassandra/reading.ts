import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'cassandra-driver';
import { type Entry, formatTime, type JsonObject, type Micros, parseTimestamp } from '../../core/contract/index.ts';
import { HOUR, hourOf } from '../../plugins/cassandra/keys.ts';
import { type Contender, measure } from '../measure.ts';
import type { Asker } from './ask.ts';
import { SERVICES, type Span } from './lines.ts';
import { ReadsByHand, type Stretch } from './reads.ts';
import type { Report } from './report.ts';

export interface ReadingPlan {
  readonly asker: Asker;
  readonly client: Client;
  readonly keyspace: string;
  readonly shards: number;
  readonly span: Span;
  readonly needle: Entry;
  readonly report: Report;
}

const NAME = 'Cauce over HTTP';
const HAND = 'by hand, knowing where';
const PAGE = 1000;
const MOST_TRIES = 60;

/** Measures queries through a running agent beside the same rows by hand. */
export async function measureReading(plan: ReadingPlan): Promise<void> {
  const { client, keyspace, shards, span, needle } = plan;
  const hand = new ReadsByHand(client, keyspace, shards);
  const { body, time } = needle;
  const hour = hourOf(time);
  const hours = { from: formatTime(hour), to: formatTime(hour + HOUR) };

  await newest(plan, hand, { title: 'Newest 1000', rounds: 100, limit: PAGE, where: {}, to: span.end });
  await newest(plan, hand, {
    title: 'Newest 1000 of level ERROR',
    rounds: 50,
    limit: PAGE,
    where: { level: 'ERROR' },
    to: span.end,
    filter: { cql: 'level = ?', value: 'ERROR' },
  });
  const request = String(body['request_id']);
  await compare(plan, 'A needle by its request_id', 100, [
    { name: 'by hand, pointers and lines', run: async () => (await hand.request(request)).rows },
    http(plan, { limit: String(PAGE), where: `request_id=${request}` }),
  ]);
  await newest(plan, hand, { title: 'Newest 10,000 of one hour in the middle', rounds: 20, limit: 10_000, where: hours, to: hour + HOUR });

  const message = { where: `message=${String(body['message'])}` };
  const filter = { cql: 'message = ? ALLOW FILTERING', value: String(body['message']) };
  const byMessage = (stretch: Omit<Stretch, 'limit'>): Contender => ({
    name: 'by hand, ALLOW FILTERING in each partition',
    run: async () => (await hand.newest({ ...stretch, limit: PAGE })).rows,
  });
  await compare(plan, 'A needle by its message, without an index, in one hour', 5, [
    byMessage({ from: hour, to: hour + HOUR, filter }),
    http(plan, { limit: String(PAGE), ...hours, ...message }),
  ]);
  await compare(plan, 'The same in 24 hours', 1, [
    byMessage({ from: span.begin, to: span.end, filter }),
    http(plan, { limit: String(PAGE), ...message }),
  ]);
}

interface Newest extends Pick<Stretch, 'limit' | 'filter' | 'to'> {
  readonly title: string;
  readonly rounds: number;
  readonly where: Readonly<Record<string, string>>;
}

async function newest(plan: ReadingPlan, hand: ReadsByHand, { title, rounds, limit, where, to, filter }: Newest): Promise<void> {
  const parameters = { limit: String(limit), ...where };
  const last = await lastOf(plan.asker, parameters);
  await compare(plan, title, rounds, [
    { name: HAND, run: async () => (await hand.newest({ from: last, to, limit, ...(filter && { filter }) })).rows },
    http(plan, parameters),
  ]);
}

/** The time of the oldest line in the answer. */
async function lastOf(asker: Asker, parameters: Readonly<Record<string, string>>): Promise<Micros> {
  const { data } = JSON.parse(await asker.text('/api/data/query', { ...asked, ...parameters })) as { data: JsonObject[] };
  const time = parseTimestamp(String(data.at(-1)?.['timestamp']));
  if (time === undefined) throw new Error(`no line answers ${JSON.stringify(parameters)}`);
  return time;
}

const asked = { type: 'logs', source: 'archive' };

function http({ asker }: ReadingPlan, parameters: Readonly<Record<string, string>>): Contender {
  return { name: NAME, run: () => asker.count({ ...asked, ...parameters }) };
}

/** The agent gives a request up after a while; what it has counted by then is kept, so that another one comes further. */
function patiently({ name, run }: Contender): Contender {
  const again = async (tries: number): Promise<number> => {
    try {
      return await run();
    } catch (error) {
      if (tries === MOST_TRIES) throw error;
      console.error(`asked again after request ${tries}: ${(error as Error).message}`);
      await sleep(1000);
      return again(tries + 1);
    }
  };
  return { name, run: () => again(1) };
}

/** What fails is told, and the rest is measured all the same: a query may take longer than the agent lets it. */
async function compare({ report }: ReadingPlan, title: string, rounds: number, contenders: readonly Contender[]): Promise<void> {
  console.error(`measuring: ${title}`);
  try {
    report.timed(title, await measure(contenders, rounds, rounds > 1 ? undefined : 0));
  } catch (error) {
    report.failed(title, error);
  }
}

/** Lines by level: once when nothing was counted, by hand, and then as often as one likes. */
export async function measureCounting({ asker, client, keyspace, shards, span, report }: ReadingPlan): Promise<void> {
  const hand = new ReadsByHand(client, keyspace, shards);
  const parameters = { ...asked, by: 'level', from: formatTime(span.begin), to: formatTime(span.end) };
  const through = (name: string): Contender => ({
    name,
    async run() {
      const { data } = JSON.parse(await asker.text('/api/data/stats', parameters)) as { data: { count: number }[] };
      return data.reduce((sum, { count }) => sum + count, 0);
    },
  });
  const byHand = {
    name: 'by hand, looking at each line',
    run: async () => [...(await hand.levels(span.begin, span.end)).values()].reduce((sum, count) => sum + count, 0),
  };
  const title = `Lines by level, of ${SERVICES.length} services in 24 hours`;
  try {
    report.timed(`${title}, for the first time`, await measure([byHand, patiently(through(NAME))], 1, 0));
    report.timed(`${title}, from then on`, await measure([through(NAME)], 20));
  } catch (error) {
    report.failed(title, error);
  }
}
