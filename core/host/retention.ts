import { setTimeout as sleep } from 'node:timers/promises';
import { Cron } from 'croner';
import { policyOf } from '../catalog/policy.ts';
import {
  type Change,
  describe,
  type KeyValue,
  type Log,
  nearest,
  now,
  PartialRetention,
  RequestError,
  type RetentionResult,
  type RetentionRun,
  RetryableError,
  type Services,
} from '../contract/index.ts';
import type { Member } from '../query/member.ts';
import { withDeadline } from './deadline.ts';
import { type RetentionRecord, readRecord, recorded } from './retention-record.ts';

export interface RetentionOptions {
  members(): readonly Member[];
  /** Where the last run is kept, shared by every process of this state. */
  readonly state: KeyValue;
  /** Does work when no other process of this state is in the midst of it. */
  inTurn<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /** A cron expression, or null for never. */
  readonly schedule: string | null;
  /** Milliseconds from the start until a missed run is made up for, so that slow sources are there. Default: 5 s. */
  readonly catchUpAfter?: number;
  readonly log: Log;
}

export interface Retention {
  readonly service: Services['retention'];
  /** Runs by the schedule from now on, and soon when a run was missed. */
  start(): void;
  /** Resolves when a scheduled run in progress has ended. */
  stop(): Promise<void>;
  /** What runs of any process left behind, for the metrics. */
  record(): Promise<RetentionRecord>;
}

/** One source may take so long in one run. What is left is done by the next one. */
const DEADLINE_MS = 600_000;
/** A source that was told to end may take so long to say what it did until then. */
const LAST_WORDS_MS = 1_000;
const CATCH_UP_AFTER_MS = 5_000;

/**
 * Asks every source to do by its policy, one after the other; a source that fails does so for itself. A run that is ended early
 * says of every source whether its turn had come.
 */
export function createRetention(options: RetentionOptions): Retention {
  const { state, schedule, catchUpAfter = CATCH_UP_AFTER_MS, log } = options;
  const stopping = new AbortController();
  let cron: Cron | undefined;
  let scheduled: Promise<unknown> = Promise.resolve();
  let turn: Promise<unknown> = Promise.resolve();

  async function run(members: readonly Member[], whole: boolean, signal: AbortSignal): Promise<RetentionRun> {
    const done = await runOver(members, false, signal);
    await state.set(
      'record',
      recorded(
        await readRecord(state),
        done,
        options.members().map(({ name }) => name),
        whole,
      ),
    );
    report(done, log);
    return done;
  }

  const service: Services['retention'] = {
    async report() {
      const { last } = await readRecord(state);
      const next = schedule === null ? null : (new Cron(schedule).nextRun()?.getTime() ?? null);
      const policies = options
        .members()
        .map((member) => ({ source: member.name, type: member.type ?? 'unknown', policy: policyOf(member) }));
      return { schedule, next: next === null ? null : next * 1000, policies, last };
    },
    async apply({ dryRun, sources }, signal) {
      const members = chosen(options.members(), sources);
      if (dryRun) return runOver(members, true, signal);
      // The lock is one for the whole process, so turns within it are kept here.
      const mine = turn.then(() => options.inTurn(() => run(members, !sources?.length, signal), signal));
      turn = mine.catch(() => undefined);
      return mine;
    },
  };

  function runScheduled(): Promise<void> {
    const ran = service.apply({ dryRun: false }, stopping.signal).then(
      () => undefined,
      (error: unknown) => {
        if (!stopping.signal.aborted) log.error('the retention run could not be made', { error: describe(error) });
      },
    );
    scheduled = Promise.all([scheduled, ran]);
    return ran;
  }

  /** A machine that is off at the hour of the schedule would never delete anything. */
  async function catchUp(timetable: Cron): Promise<void> {
    await sleep(catchUpAfter, undefined, { signal: stopping.signal, ref: false });
    const { whole } = await readRecord(state);
    const due = whole === null ? null : timetable.nextRun(new Date(whole / 1000));
    if (whole === null || (due && due.getTime() < Date.now())) await runScheduled();
  }

  return {
    service,
    record: () => readRecord(state),
    start() {
      if (schedule === null) return;
      const timetable = new Cron(schedule, { protect: true, unref: true }, runScheduled);
      cron = timetable;
      scheduled = catchUp(timetable).catch((error: unknown) => {
        if (!stopping.signal.aborted) log.warn('whether a retention run was missed could not be told', { error: describe(error) });
      });
    },
    async stop() {
      cron?.stop();
      stopping.abort(new RetryableError('the agent is stopping', { code: 'ERR_STOPPING' }));
      await scheduled;
    },
  };
}

async function runOver(members: readonly Member[], dryRun: boolean, signal: AbortSignal): Promise<RetentionRun> {
  const time = now();
  const results: RetentionResult[] = [];
  for (const member of members) results.push(await applyTo(member, dryRun, signal));
  return { time, dry_run: dryRun, results };
}

async function applyTo(member: Member, dryRun: boolean, signal: AbortSignal): Promise<RetentionResult> {
  const { name, type = 'unknown', source, error } = member;
  const facts = { source: name, type, policy: policyOf(member) };
  if (!source) return { ...facts, changes: [], error: error ?? 'it is not running' };
  const { retention } = source;
  if (!retention) return { ...facts, changes: [] };
  const ended = new AbortController();
  let applied: Promise<readonly Change[]> | undefined;
  try {
    signal.throwIfAborted();
    applied = retention.apply({ dryRun }, AbortSignal.any([signal, ended.signal]));
    const changes = await withDeadline(DEADLINE_MS, `applying the retention of ${name}`, applied, signal);
    return { ...facts, changes };
  } catch (failure) {
    ended.abort(failure);
    return { ...facts, changes: dryRun ? [] : await changesUntilThen(applied), error: describe(failure) };
  }
}

/** What a run did that failed, or that was told to end. */
async function changesUntilThen(applied: Promise<readonly Change[]> | undefined): Promise<readonly Change[]> {
  try {
    return applied ? await withDeadline(LAST_WORDS_MS, 'ending a retention run', applied) : [];
  } catch (error) {
    return error instanceof PartialRetention ? error.changes : [];
  }
}

function chosen(members: readonly Member[], names: readonly string[] | undefined): readonly Member[] {
  if (!names?.length) return members;
  const known = members.map(({ name }) => name);
  for (const name of names) {
    if (known.includes(name)) continue;
    const meant = nearest(name, known);
    throw new RequestError(
      'source',
      `there is no source ${JSON.stringify(name)}${meant ? `; did you mean ${meant}?` : ''} (there are: ${known.join(', ') || 'none'})`,
    );
  }
  return members.filter(({ name }) => names.includes(name));
}

function report({ results }: RetentionRun, log: Log): void {
  for (const { source, policy, changes, error } of results) {
    for (const { what, count, bytes } of changes) {
      log.info('retention was applied', { source, what, count, ...(bytes !== undefined && { bytes }) });
    }
    if (error !== undefined) log.warn('the retention of a source could not be applied', { source, policy, error });
  }
  const failed = results.filter(({ error }) => error !== undefined).length;
  const changes = results.reduce((sum, { changes }) => sum + changes.length, 0);
  log.info('retention run', { sources: results.length, changes, failed });
}
