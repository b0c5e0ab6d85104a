import { describe } from '../contract/index.ts';
import type { Member } from '../query/member.ts';

/** How long a source's data is kept, in a few words. */
export function policyOf({ source }: Member): string {
  if (!source) return 'not known while it is not running';
  try {
    return source.retention?.describe() ?? 'kept by its owner: this agent deletes nothing';
  } catch (error) {
    return `not known: ${describe(error)}`;
  }
}
