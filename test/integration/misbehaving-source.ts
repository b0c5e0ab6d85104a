import { defineSource, z } from 'cauce/plugin';

const never = () => new Promise<never>(() => undefined);

/** A source that misbehaves where and how its options say. */
export default defineSource({
  name: 'misbehaving',
  summary: 'Fails on purpose',
  apiVersion: 1,
  options: z.strictObject({
    at: z.enum(['create', 'start', 'query', 'follow', 'stray', 'garbage']),
    how: z.enum(['throws', 'hangs']).default('throws'),
  }),
  create({ options: { at, how } }) {
    const misbehave = async (place: string) => {
      if (at === place && how === 'throws') throw new Error(`thrown in ${place}`);
      if (at === place) await never();
    };
    if (at === 'create') throw new Error('thrown in create');
    return {
      type: 'logs',
      async start() {
        await misbehave('start');
        if (at === 'stray') setTimeout(() => void Promise.reject(new Error('a stray rejection')), 300);
      },
      query: {
        async *run() {
          await misbehave('query');
          if (at === 'garbage') yield [{ id: 'two words', time: Number.NaN, json: 'not json' }];
        },
      },
      follow: {
        replay: 'exact',
        async open(_request, signal) {
          await misbehave('follow');
          return { start: {}, lost: [], batches: quietUntil(signal) };
        },
      },
    };
  },
});

async function* quietUntil(signal: AbortSignal): AsyncGenerator<never> {
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
