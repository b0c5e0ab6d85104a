import { expectationsOptions } from '../catalog/expectations.ts';
import { z } from '../contract/index.ts';

/** Keys of every source, whatever its plugin, that tell of its data. */
export const aboutOptions = z.strictObject({
  owner: z.string().min(1).optional().describe('Who answers for this data; shown in the catalogue.'),
  expects: expectationsOptions,
});
