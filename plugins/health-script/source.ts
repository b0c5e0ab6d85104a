import { describe, type Probe, RetryableError, type Source, type SourceContext } from '../../core/contract/index.ts';
import { Checker } from './checker.ts';
import { scriptLabel } from './label.ts';
import type { Options } from './options.ts';
import { presentOf, recordOf } from './result.ts';

/** A source of type `health` around one script. Every run is recorded once, whoever asked for it. */
export function createHealthScript(context: SourceContext<Options>) {
  const { command, every, history } = context.options;
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
      for (;;) {
        const results = checker.takeUnrecorded();
        if (results.length > 0) {
          await accept(results.map(recordOf)).catch((error: unknown) => {
            throw new RetryableError(`${results.length} results of ${label} could not be recorded and are missing from the history`, {
              cause: error,
            });
          });
        } else if (signal.aborted) return;
        else await checker.next(every, signal);
      }
    },
    async probe(signal): Promise<Probe> {
      const { body } = await checker.present(signal);
      const { notes, duration_ms: took } = body.details as { notes: readonly string[]; duration_ms: number };
      const checks = Object.keys(body['checks'] as object).length;
      const understood = body['status'] !== 'unknown' || checks > 0;
      if (understood) return { ok: true, detail: `${label} answered in ${took} ms: ${body['status']}, ${checks} checks` };
      return {
        ok: false,
        detail: `${label} gave no answer that could be understood: ${notes.join('; ') || describe(new Error('it says unknown'))}`,
      };
    },
    stop: () => checker.stop(),
  } satisfies Source;
}
