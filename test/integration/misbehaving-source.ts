import { type Draft, defineSource, z } from 'cauce/plugin';

/** Throws again when somebody looks at it. */
const unspeakable = new Proxy(new Error('x'), {
  get() {
    throw new Error('looked at');
  },
});
const never = () => new Promise<never>(() => undefined);
const stray = (text: string) => void setTimeout(() => void Promise.reject(new Error(text)), 50);

/** A source that misbehaves where and how its options say. */
export default defineSource({
  name: 'misbehaving',
  summary: 'Fails on purpose',
  apiVersion: 1,
  options: z.strictObject({
    at: z.enum(['create', 'start', 'query', 'follow', 'garbage', 'async', 'flood', 'poison', 'stop']),
    how: z.enum(['throws', 'hangs', 'strays', 'weird']).default('throws'),
  }),
  create({ options: { at, how }, signal }) {
    const misbehave = async (place: string) => {
      if (at !== place) return;
      if (how === 'throws') throw new Error(`thrown in ${place}`);
      if (how === 'weird') throw unspeakable;
      if (how === 'hangs') await never();
      stray(`a stray rejection of ${place}`);
    };
    if (at === 'create') throw new Error('thrown in create');
    if (at === 'async') return Promise.resolve({}) as never;
    if (at === 'stop') signal.addEventListener('abort', () => stray('a stray rejection of stop'));
    if (at === 'flood' || at === 'poison') return { type: 'logs', receive: at === 'flood' ? flood : poison };
    return {
      type: 'logs',
      start: () => misbehave('start'),
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

type Accept = (drafts: readonly Draft[]) => Promise<void>;

async function flood(accept: Accept, signal: AbortSignal): Promise<void> {
  for (let number = 0; !signal.aborted; number++)
    await accept([{ id: `flood.${number}`, time: Date.now() * 1000, json: '{"flood":true}' }]);
}

async function poison(accept: Accept, signal: AbortSignal): Promise<void> {
  await accept([{ id: 'good', time: Date.now() * 1000, json: '{"message":"before the poison"}' }]);
  await accept([{ id: 'bad', time: Date.now() * 1000, json: 'not json' }]).catch((error: Error) =>
    console.error(`refused: ${error.message}`),
  );
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

async function* quietUntil(signal: AbortSignal): AsyncGenerator<never> {
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
