import { describe, it } from 'vitest';
import { sourceConformance } from '../../../core/conformance/index.ts';
import { defineSource, draft, polled, z } from '../../../core/contract/index.ts';

/** What a third party would poll: rows with a growing key. */
const tables = new Map<string, { key: number; name: string }[]>();

/** A whole source that answers queries and is followed, by the adapters of the contract. */
const simple = defineSource({
  name: 'simple-table',
  summary: 'Rows of a table with a growing key',
  apiVersion: 1,
  options: z.strictObject({ table: z.string() }),
  create({ options, id }) {
    const rows = () => tables.get(options.table) ?? [];
    const toDraft = (row: { key: number; name: string }) => draft(row, { time: row.key * 1000, id: `${id}.${row.key}` });
    return {
      type: 'metrics',
      query: {
        async *run() {
          yield rows().map(toDraft);
        },
      },
      follow: polled({
        every: 10,
        end: async () => String(rows().at(-1)?.key ?? ''),
        poll: async (after) =>
          rows()
            .filter(({ key }) => key > Number(after))
            .slice(0, 7)
            .map((row) => ({ entry: toDraft(row), cursor: String(row.key) })),
      }),
    };
  },
});

let number = 0;
sourceConformance(
  { describe, it: (name, test) => it(name, test) },
  {
    definition: simple,
    async setup() {
      const table = `table-${number++}`;
      tables.set(table, []);
      return {
        options: { table },
        add: async (count) => {
          const rows = tables.get(table) ?? [];
          for (let added = 0; added < count; added++) rows.push({ key: rows.length + 1, name: `row ${rows.length + 1}` });
        },
        cleanup: async () => void tables.delete(table),
      };
    },
  },
);
