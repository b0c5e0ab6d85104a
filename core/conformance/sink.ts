import assert from 'node:assert/strict';
import { type Entry, type Handler, RequestError, type Services, type Sink, type SinkDefinition } from '../contract/index.ts';
import type { Runner } from './index.ts';
import { contextOf, ends, memoryState } from './stand.ts';

export interface SinkFixture {
  readonly definition: SinkDefinition;
  setup(): Promise<{
    readonly options: unknown;
    /** The ids of what the sink holds durably, for one that is written to. */
    stored?(): Promise<readonly string[]>;
    cleanup(): Promise<void>;
  }>;
}

type Place = Awaited<ReturnType<SinkFixture['setup']>>;

/** Declares the tests of a sink: its life, what it leaves mounted, and `write` when it has it. */
export function sinkConformance(runner: Runner, fixture: SinkFixture): void {
  const { definition } = fixture;
  const test = (name: string, body: (sink: Sink, place: Place, services: Recorder) => Promise<void>) =>
    runner.it(name, async () => {
      const place = await fixture.setup();
      const controller = new AbortController();
      const services = recorder();
      const agent = Object.fromEntries(definition.needs.map((need) => [need, services[need]]));
      const sink = definition.create({ ...contextOf(definition, place.options, controller.signal), agent } as never);
      try {
        await body(sink, place, services);
      } finally {
        controller.abort();
        await place.cleanup();
      }
    });

  runner.describe(`sink ${definition.name}`, () => {
    runner.it('refuses an unknown option', async () => {
      assert.equal(definition.options.safeParse({ surely_not_an_option: 1 }).success, false);
    });
    test('does something', async (sink) => {
      assert.match(definition.name, /^[a-z][a-z0-9-]*$/);
      assert.ok(sink.write ?? sink.serves ?? sink.start, 'it has write, serves, or a start that mounts something');
    });
    test('stops without having been started', async (sink) => {
      await ends('stop()', sink.stop?.() ?? Promise.resolve());
    });
    test('takes down on stop what it mounted on start', async (sink, _place, services) => {
      const { signal } = new AbortController();
      await ends('start()', sink.start?.(signal) ?? Promise.resolve());
      await ends('stop()', sink.stop?.() ?? Promise.resolve());
      assert.deepEqual([...services.mounted], []);
    });
    test('holds what write() resolved for, and a repetition once', async (sink, place) => {
      if (!sink.write) return;
      const { signal } = new AbortController();
      await sink.start?.(signal);
      const entries = Array.from({ length: 20 }, (_, index) => entry(index));
      assert.deepEqual((await sink.write(entries, signal)) ?? [], []);
      await sink.write(entries.slice(10), signal);
      assert.ok(place.stored, 'a sink that is written to needs a fixture with stored(), or nothing can be tested');
      const stored = await place.stored();
      assert.deepEqual([...stored].sort(), entries.map(({ id }) => id).sort());
      await sink.stop?.();
    });
  });
}

type Recorder = Services & { readonly mounted: Set<string> };

/** An agent without sources that remembers what is mounted. */
function recorder(): Recorder {
  const mounted = new Set<string>();
  return {
    mounted,
    query: async () => ({ entries: [], sources: [], notes: [] }),
    latest: async () => ({ entries: [], sources: [], notes: [] }),
    follow: async function* (_type, _options, signal) {
      yield { event: 'hello', position: {}, missing: [] };
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    },
    stats: async () => ({ rows: [], truncated: false, sources: [], notes: [] }),
    append: nothingThere,
    dora: nothingThere,
    catalog: async () => [],
    retention: { report: async () => ({ schedule: null, next: null, policies: [], last: null }), apply: nothingThere },
    sources: () => [],
    status: () => [],
    metrics: async () => ({ contentType: 'text/plain', text: '' }),
    http: {
      async mount(listen: string, prefix: string, _handler: Handler) {
        const key = `${listen}${prefix}`;
        mounted.add(key);
        return async () => void mounted.delete(key);
      },
    },
    state: memoryState(),
    events: { on: () => () => undefined },
  };
}

async function nothingThere(): Promise<never> {
  throw new RequestError('source', 'this agent has no sources');
}

function entry(index: number): Entry {
  const body = { timestamp: '2025-11-07T02:00:00Z', message: `entry ${index}`, index };
  return {
    type: 'logs',
    source: 'conformance',
    id: `conformance.${index}`,
    time: 1_762_480_800_000_000 + index,
    json: JSON.stringify(body),
    body,
  };
}
