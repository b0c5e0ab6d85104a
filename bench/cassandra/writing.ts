import type { Client } from 'cassandra-driver';
import type { Entry } from '../../core/contract/index.ts';
import { type Contender, type Measured, measure } from '../measure.ts';
import { linesOf, type Span } from './lines.ts';
import { startProgress } from './progress.ts';
import { type Place, startSink, WritesByHand } from './writers.ts';

/** As many as delivery hands to a sink at once. Whoever writes by hand gets the same pieces. */
const BATCH = 5000;
const ROUNDS = 5;
const WARM_UP = 1;

export interface Writing {
  readonly measured: readonly Measured[];
  /** The sink, from the first line to the last. */
  readonly whole: { readonly rows: number; readonly seconds: number };
  /** Of a line's JSON. */
  readonly bytesPerLine: number;
  /** A line of the middle that has a request. */
  readonly needle: Entry;
}

export interface WritingPlan {
  readonly client: Client;
  /** Where the sink writes, and where the lines stay. */
  readonly place: Place;
  readonly rows: number;
  readonly span: Span;
}

/** Measures the sink beside what is written by hand, line for line the same, and then lets the sink write all the rest. */
export async function measureWriting({ client, place, rows, span }: WritingPlan): Promise<Writing> {
  const sink = await startSink(place);
  const hand = await WritesByHand.open(client, { ...place, keyspace: `${place.keyspace}_by_hand` });
  const lines = linesOf(rows, span);
  const pieces = Math.max(1, Math.min(2, Math.floor(rows / 2 / BATCH / (ROUNDS + WARM_UP))));
  const first = Array.from({ length: ROUNDS + WARM_UP }, () => Array.from({ length: pieces }, () => take(lines, BATCH)));
  const inRounds = first.flat(2).length;
  const sum = { rows: 0, seconds: 0, bytes: 0 };
  let needle: Entry | undefined;
  const bySink = async (entries: readonly Entry[]) => {
    const began = performance.now();
    await sink.write(entries);
    sum.seconds += (performance.now() - began) / 1000;
    sum.rows += entries.length;
    sum.bytes += entries.reduce((bytes, { json }) => bytes + Buffer.byteLength(json), 0);
    if (sum.rows > rows / 2) needle ??= entries.find(({ body }) => typeof body['request_id'] === 'string');
  };

  const turns = (name: string, write: (entries: readonly Entry[]) => Promise<void>): Contender => {
    let turn = 0;
    return {
      name,
      async run() {
        const piece = first[turn++] ?? [];
        for (const entries of piece) await write(entries);
        return piece.flat().length;
      },
    };
  };
  // Each writes rows of its own: to write a row again is another kind of work.
  const own = (mark: string, entries: readonly Entry[]) => entries.map((entry) => marked(entry, mark));
  const measured = await measure(
    [
      turns('cassandra-writer', bySink),
      ...[32, 128, 512].map((n) => turns(`executeConcurrent, ${n} at a time`, (some) => hand.eachLine(own(`e${n}`, some), n))),
      ...[4, 16, 64].map((n) => turns(`batches of a partition, ${n} at a time`, (some) => hand.batches(own(`b${n}`, some), n))),
      ...[16, 64].map((n) => turns(`the same and pointers, ${n} at a time`, (some) => hand.batchesAndPointers(own(`p${n}`, some), n))),
    ],
    ROUNDS,
    WARM_UP,
  );
  await hand.close();

  const progress = startProgress('lines written', rows - inRounds);
  for (let some = take(lines, BATCH); some.length > 0; some = take(lines, BATCH)) {
    await bySink(some);
    progress.add(some.length);
  }
  progress.end();
  await sink.stop();
  if (!needle) throw new Error('no line of the middle has a request');
  return { measured, whole: { rows: sum.rows, seconds: sum.seconds }, bytesPerLine: sum.bytes / sum.rows, needle };
}

function take(lines: Iterator<Entry>, most: number): Entry[] {
  const taken: Entry[] = [];
  while (taken.length < most) {
    const { value, done } = lines.next();
    if (done) break;
    taken.push(value);
  }
  return taken;
}

function marked(entry: Entry, mark: string): Entry {
  const { time, json, type, source } = entry;
  return {
    id: `${entry.id}.${mark}`,
    time,
    json,
    type,
    source,
    get body() {
      return entry.body;
    },
  };
}
