import type { Entry } from '../contract/index.ts';
import type { Finding, Sample } from './quality.ts';

/** Entries that agree with the others. */
export function consistency({ type, entries }: Sample): Finding {
  const belongs = type === 'metrics' ? cycleOfOneFeature(entries) : () => true;
  const seen = new Set<string>();
  const agree = (entry: Entry) => {
    const content = contentOf(entry);
    const first = !seen.has(content);
    seen.add(content);
    return first && belongs(entry);
  };
  const ofCycles = type === 'metrics' ? ', and whose cycle_id has the feature_id that most of its entries have' : '';
  return {
    numerator: entries.filter(agree).length,
    denominator: entries.length,
    rule: `entries that are no second entry of the same content, their field id apart${ofCycles}`,
  };
}

function contentOf({ time, body }: Entry): string {
  const { id: _id, ...content } = body;
  return `${time} ${JSON.stringify(content)}`;
}

function cycleOfOneFeature(entries: readonly Entry[]): (entry: Entry) => boolean {
  const features = new Map<string, Map<string, number>>();
  for (const entry of entries) {
    const pair = cycleAndFeature(entry);
    if (!pair) continue;
    const [cycle, feature] = pair;
    const counts = features.get(cycle) ?? new Map<string, number>();
    features.set(cycle, counts.set(feature, (counts.get(feature) ?? 0) + 1));
  }
  const usual = new Map([...features].map(([cycle, counts]) => [cycle, commonest(counts)]));
  return (entry) => {
    const pair = cycleAndFeature(entry);
    return !pair || usual.get(pair[0]) === pair[1];
  };
}

function cycleAndFeature({ body }: Entry): [string, string] | undefined {
  const { cycle_id: cycle, feature_id: feature } = body;
  return typeof cycle === 'string' && cycle !== '' && typeof feature === 'string' && feature !== '' ? [cycle, feature] : undefined;
}

function commonest(counts: ReadonlyMap<string, number>): string | undefined {
  return [...counts].reduce<[string, number] | undefined>((best, one) => (!best || one[1] > best[1] ? one : best), undefined)?.[0];
}
