import type { Definition, Json, KeyValue, Log, Run, Source, SourceDefinition } from '../contract/index.ts';

export const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** A state that lives as long as the test; values are stored as JSON, as the agent does. */
export function memoryState(): KeyValue {
  const values = new Map<string, string>();
  return {
    get: async (key) => {
      const text = values.get(key);
      return text === undefined ? undefined : (JSON.parse(text) as Json);
    },
    set: async (key, value) => void values.set(key, JSON.stringify(value)),
    delete: async (key) => void values.delete(key),
  };
}

export function contextOf(definition: Definition, options: unknown, signal: AbortSignal) {
  return { id: 'conformance', host: 'conformance-host', options: definition.options.parse(options), log: silent, signal };
}

export function runOf(signal: AbortSignal): Run & { readonly notes: string[] } {
  const notes: string[] = [];
  return { signal, notes, note: (code, text) => void notes.push(`${code}: ${text}`) };
}

/** Creates, starts, hands over, stops and aborts, whatever happens in between. */
export async function withSource(
  definition: SourceDefinition,
  options: unknown,
  use: (source: Source, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  const source = definition.create({ ...contextOf(definition, options, controller.signal), state: memoryState() } as never);
  try {
    await source.start?.(controller.signal);
    await use(source, controller.signal);
  } finally {
    controller.abort();
    await source.stop?.();
  }
}

/** Rejects when `work` does not end; a test that hangs says nothing. */
export async function ends<T>(what: string, work: Promise<T>, ms = 30_000): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not end within ${ms / 1000} s`)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
