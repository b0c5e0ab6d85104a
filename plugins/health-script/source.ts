import { type Draft, RetryableError, type Source, type SourceContext } from '../../core/contract/index.ts';
import { Checker } from './checker.ts';
import { scriptLabel } from './label.ts';
import type { Options } from './options.ts';
import { presentOf, type Result, recordOf } from './result.ts';

/** A source of type `health` around one script. Every run is recorded once, whoever asked for it. */
export function createHealthScript(context: SourceContext<Options>) {
  const { command, history } = context.options;
  const label = scriptLabel(command);
  const checker = new Checker(context, label);

  return {
    type: 'health',
    label,
    keep: history,
    async latest({ signal }) {
      return [presentOf(await checker.present(signal))];
    },
    async receive(accept, signal) {
      const until = AbortSignal.any([signal, checker.stopping]);
      for (;;) {
        const results = checker.takeUnrecorded();
        if (results.length > 0) await record(results, accept);
        else if (until.aborted) return;
        else await checker.next(until);
      }
    },
    async probe(signal) {
      const { body } = await checker.present(signal);
      const { status, checks, details } = body;
      const said = Object.values(checks);
      if (status === 'unknown' && said.every((check) => check === 'unknown')) {
        return { ok: false, detail: `${label} says nothing definite: ${details.notes.join('; ') || 'its status is unknown'}` };
      }
      return { ok: true, detail: `${label} answered in ${details.duration_ms} ms: ${status}, checks: ${said.length}` };
    },
    stop: () => checker.stop(),
  } satisfies Source;
}

async function record(results: readonly Result[], accept: (drafts: readonly Draft[]) => Promise<void>): Promise<void> {
  try {
    await accept(results.map(recordOf));
  } catch (cause) {
    throw new RetryableError(`${results.length} results could not be recorded and are missing from the history`, { cause });
  }
}
