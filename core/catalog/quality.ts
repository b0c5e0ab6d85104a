import { setImmediate as turn } from 'node:timers/promises';
import type { DataType, Entry, FieldSummary, Micros, Quality, QualityPart } from '../contract/index.ts';
import type { Vocabulary } from '../dora/vocabulary.ts';
import { accuracy } from './accuracy.ts';
import { completeness } from './completeness.ts';
import { consistency } from './consistency.ts';
import { customsOf, type Expectations } from './expectations.ts';
import { timeliness } from './timeliness.ts';
import { validity } from './validity.ts';

/** What a part found: how many of how many keep the rule. */
export interface Finding {
  readonly numerator: number;
  readonly denominator: number;
  readonly rule: string;
}

/** What is looked at: the newest entries of one source, in any order. */
export interface Sample {
  readonly type: DataType;
  readonly entries: readonly Entry[];
  readonly at: Micros;
  /** What the source itself tells of its fields, when it does. */
  readonly fields?: readonly FieldSummary[] | undefined;
  /** How many the source left out on the way to these, since they were no entries. */
  readonly skipped?: number;
}

/** SEED.md, 7: of the first system. */
const WEIGHTS = { completeness: 0.25, validity: 0.25, consistency: 0.2, timeliness: 0.15, accuracy: 0.15 } as const;
const HEALTHY = 90;
const WARNING = 75;

/**
 * Each part is 100 × numerator ÷ denominator, and sees faults of its own kind only. Between two parts the event loop gets its turn:
 * each takes some ten milliseconds of 10,000 entries.
 */
export async function qualityOf(sample: Sample, expects: Expectations, vocabulary: Vocabulary): Promise<Quality> {
  const customs = customsOf(sample.type, vocabulary);
  const part = async (name: keyof typeof WEIGHTS, look: () => Finding): Promise<QualityPart> => {
    await turn();
    const { numerator, denominator, rule } = look();
    const score = denominator === 0 ? null : round((100 * numerator) / denominator);
    return { weight: WEIGHTS[name], numerator, denominator, rule, score };
  };
  const parts = {
    completeness: await part('completeness', () => completeness(sample, expects.required, customs)),
    validity: await part('validity', () => validity(sample, expects.values ?? {}, customs)),
    consistency: await part('consistency', () => consistency(sample)),
    timeliness: await part('timeliness', () => timeliness(sample, expects.every ?? customs.every)),
    accuracy: await part('accuracy', () => accuracy(sample)),
  };
  const score = mean(Object.values(parts));
  return { score, class: classOf(score), entries: sample.entries.length, parts };
}

/** Weighted over the parts that have a score. */
function mean(parts: readonly QualityPart[]): number | null {
  const scored = parts.flatMap(({ score, weight }) => (score === null ? [] : [{ score, weight }]));
  const weight = scored.reduce((sum, part) => sum + part.weight, 0);
  return weight === 0 ? null : round(scored.reduce((sum, part) => sum + part.score * part.weight, 0) / weight);
}

function classOf(score: number | null): Quality['class'] {
  if (score === null) return 'no data';
  return score >= HEALTHY ? 'healthy' : score >= WARNING ? 'warning' : 'critical';
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
