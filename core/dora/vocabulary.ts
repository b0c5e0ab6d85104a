import { z } from '../contract/index.ts';

const words = (fallback: readonly string[], text: string) =>
  z
    .array(z.string().min(1))
    .min(1)
    .default([...fallback])
    .describe(text);

const wordLists = z.strictObject({
  deployment: words(['deployment'], 'Phases that deploy.'),
  incident: words(['incident'], 'Phases that tell of a failure.'),
  success: words(['go', 'approved', 'success'], 'Decisions of what went well.'),
  failure: words(['no-go', 'rejected', 'rollback', 'failed', 'blocked'], 'Decisions of what failed.'),
  rollback: words(['rollback'], 'Decisions, of any phase, that take a deployment back.'),
  recovered: words(['resolved', 'fixed'], 'Decisions that end a failure.'),
  neutral: words(['review'], 'Decisions that say neither; their rows are not counted.'),
});

/** A word has one meaning; but a rollback is a failure as well, whether or not it stands in both lists. */
const MEANINGS = [
  ['deployment', 'incident'],
  ['success', 'failure', 'rollback', 'recovered', 'neutral'],
] as const;

/** The words by which rows are told apart. Case, and whether a word is joined by `-`, `_` or a space, makes no difference. */
export const vocabularyOptions = wordLists
  .superRefine((vocabulary, context) => {
    for (const lists of MEANINGS) {
      const meanings = new Map<string, string>();
      for (const list of lists) {
        for (const [index, word] of vocabulary[list].entries()) {
          const other = meanings.get(wordKey(word)) ?? list;
          const fits = other === list || (other === 'failure' && list === 'rollback');
          if (!fits)
            context.addIssue({ code: 'custom', path: [list, index], message: `stands under ${other} too; a word has one meaning` });
          meanings.set(wordKey(word), list);
        }
      }
    }
  })
  .prefault({})
  .describe("The words of DORA's four keys.");

export type Vocabulary = z.output<typeof vocabularyOptions>;

/** What a row has to do with the four keys, by its phase and decision. */
export interface Role {
  /** Of a deployment row: how it went. */
  readonly deployed: 'success' | 'failure' | undefined;
  readonly failing: boolean;
  readonly recovered: boolean;
  /** The decision of a deployment phase that says neither success nor failure, nor is neutral, so that the row is not counted. */
  readonly unknown: string | undefined;
}

export function roles(vocabulary: Vocabulary): (phase: string, decision: string | undefined) => Role {
  const set = (list: readonly string[]) => new Set(list.map(wordKey));
  const [deployment, incident] = [set(vocabulary.deployment), set(vocabulary.incident)];
  const [success, rollback, recovery] = [set(vocabulary.success), set(vocabulary.rollback), set(vocabulary.recovered)];
  const [failure, neutral] = [set([...vocabulary.failure, ...vocabulary.rollback]), set(vocabulary.neutral)];
  return (phase, decision = '') => {
    const [what, how] = [wordKey(phase), wordKey(decision)];
    const deploys = deployment.has(what);
    const deployed = !deploys ? undefined : success.has(how) ? 'success' : failure.has(how) ? 'failure' : undefined;
    const recovered = recovery.has(how);
    const failing = deployed === 'failure' || rollback.has(how) || (incident.has(what) && !recovered);
    const known = !deploys || deployed !== undefined || neutral.has(how);
    return { deployed, failing, recovered, unknown: known ? undefined : decision };
  };
}

function wordKey(word: string): string {
  return word.toLowerCase().replace(/[ _]/g, '-');
}
