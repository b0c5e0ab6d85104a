import type { DoraReport } from '../contract/index.ts';
import type { Vocabulary } from './vocabulary.ts';

/** What each key means, in the words of this agent's vocabulary. */
export function definitionsOf(vocabulary: Vocabulary): DoraReport['definitions'] {
  const { deployment, incident, success, failure, rollback, recovered } = vocabulary;
  const failing = `a deployment row with ${oneOf([...new Set([...failure, ...rollback])])}, any row with ${oneOf(rollback)}, or a row of phase ${oneOf(incident)} without ${oneOf(recovered)}`;
  return {
    deployment_frequency: `Successful deployment rows (phase ${oneOf(deployment)}, decision ${oneOf(success)}) in the window, per 7 days of it. Median and p95: of the deployments in each group of the series.`,
    lead_time:
      "From a feature's first row, which may lie before the window, to its first successful deployment, in seconds; the median of the features whose first successful deployment lies in the window.",
    change_failure_rate: `Deployment rows in the window that failed, or that a failing row of the same cycle follows, also after the window, divided by all deployment rows in the window. A failing row: ${failing}.`,
    time_to_restore: `From the first failing row of a cycle to its next recovered row (decision ${oneOf(recovered)}), in seconds; the median of the failures that began in the window and are restored. Those that are not are listed as open.`,
  };
}

function oneOf(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length > 1 ? `${words.slice(0, -1).join(', ')} or ${last}` : last;
}
