import {
  type Appended,
  CauceError,
  type DataType,
  describe,
  type JsonObject,
  PermanentError,
  RequestError,
  RetryableError,
  type Services,
  type Source,
} from '../contract/index.ts';
import { Allowance, Clock, Overdue } from './deadline.ts';
import type { Member } from './member.ts';
import { BrokenRule, Row } from './row.ts';
import { noSource, select } from './select.ts';

export interface AppendOptions {
  members(): readonly Member[];
  /** Milliseconds that a call waits for the source. */
  readonly deadline: number;
}

export function createAppend({ members, deadline }: AppendOptions): Services['append'] {
  return async (type, { source: name, bodies, time }, signal) => {
    signal.throwIfAborted();
    checkBodies(bodies);
    const { member, source } = choose(members(), type, name);
    const controller = new AbortController();
    const clock = new Clock(deadline);
    const abort = () => controller.abort(signal.reason);
    signal.addEventListener('abort', abort);
    try {
      const allowance = new Allowance(clock, deadline, controller.signal);
      const results = await allowance.wait(() => source.append(bodies, controller.signal, time));
      return { source: member.name, results: checked(results, bodies.length, type, member.name) };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof BrokenRule || error instanceof RequestError) throw error;
      throw failed(member.name, error);
    } finally {
      signal.removeEventListener('abort', abort);
      controller.abort(new DOMException('the answer is complete', 'AbortError'));
      clock.close();
    }
  };
}

type Appendable = Source & Required<Pick<Source, 'append'>>;

function checkBodies(bodies: readonly JsonObject[]): void {
  const wrong = bodies.findIndex((body: unknown) => typeof body !== 'object' || body === null || Array.isArray(body));
  if (wrong >= 0) throw new RequestError(`/${wrong}`, 'what is added must be a JSON object');
  if (bodies.length === 0) throw new RequestError('body', 'there is nothing to add');
}

/** The named source, or the only one that runs and can be added to. */
function choose(members: readonly Member[], type: DataType, name: string | undefined): { member: Member; source: Appendable } {
  const eligible = select(members, type, name === undefined ? undefined : [name]);
  const [only, ...others] = eligible.flatMap((member) => (canAppend(member.source) ? [{ member, source: member.source }] : []));
  if (only && others.length === 0) return only;
  const able = select(members, type, undefined).filter((member) => canAppend(member.source));
  const names = able.map((member) => member.name).join(', ') || 'none';
  if (only) throw new RequestError('source', `several ${type} sources can be added to; name one of them as source: ${names}`);
  const down = eligible.filter((member) => !member.source).map((member) => `${member.name}: ${member.error ?? 'it is not running'}`);
  if (down.length > 0) {
    const text = `no source that could be added to is running (${down.join('; ')})`;
    throw new RetryableError(text, { code: 'ERR_SOURCES_FAILED', cause: new CauceError('ERR_NOT_ADDED', 'no source was asked') });
  }
  if (eligible.length === 0) throw new RequestError('source', noSource(type));
  if (name !== undefined)
    throw new RequestError('source', `the source ${name} cannot be added to: it is read-only (sources that can: ${names})`);
  throw new RequestError('source', `no ${type} source can be added to; sqlite-metrics can, and mysql-metrics with writable: true`);
}

function canAppend(source: Source | undefined): source is Appendable {
  return source?.append !== undefined;
}

/** What a plugin answers is not believed before it was looked at. */
function checked(results: readonly Appended[], count: number, type: DataType, name: string): readonly Appended[] {
  if (!Array.isArray(results) || results.length !== count) throw new BrokenRule(`append() resolves to ${count} results`, results);
  const refused = results.some(({ status }) => status === 'conflict' || status === 'invalid');
  return (results as readonly Appended[]).map((result) => {
    switch (result.status) {
      case 'added':
      case 'present':
        if (refused) throw new BrokenRule('append() adds all or nothing', result);
        return { status: result.status, entry: new Row(type, name, result.entry).check() };
      case 'skipped':
        if (!refused) throw new BrokenRule('append() skips only beside a conflict or what is invalid', result);
        return result;
      case 'conflict':
      case 'invalid':
        if (typeof result.reason !== 'string') throw new BrokenRule('append() gives a reason', result);
        return result;
      default:
        throw new BrokenRule('append() resolves to added, present, conflict, invalid or skipped', result);
    }
  });
}

function failed(name: string, error: unknown): RetryableError {
  const code = error instanceof Overdue ? 'ERR_SOURCES_TIMEOUT' : 'ERR_SOURCES_FAILED';
  return new RetryableError(`${name} failed, and ${outcome(error)}: ${describe(error)}`, { code, cause: error });
}

function outcome(error: unknown): string {
  const refused = error instanceof PermanentError || (error instanceof CauceError && error.code === 'ERR_NOT_ADDED');
  if (refused) return 'nothing was added';
  return 'whether it added anything is not known; with the same created_at or Idempotency-Key it may be sent again';
}
