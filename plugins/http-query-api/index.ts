import { defineSink } from '../../core/contract/index.ts';
import { createApp } from './app.ts';
import { createHandler } from './guard.ts';
import { options } from './options.ts';
import { Running } from './running.ts';

const DRAIN_MS = 5000;

export default defineSink({
  name: 'http-query-api',
  summary: 'Answers queries over HTTP: JSON, NDJSON and CSV, with OpenAPI, documentation and health endpoints.',
  apiVersion: 1,
  options,
  needs: ['query', 'latest', 'stats', 'append', 'dora', 'catalog', 'retention', 'sources', 'status', 'metrics', 'http', 'state'],
  create({ agent, options, log }) {
    const running = new Running();
    let app: ReturnType<typeof createApp> | undefined;
    let unmount: (() => Promise<void>) | undefined;
    return {
      async start(signal) {
        app = createApp({ agent, options, log, running });
        await app.ready();
        unmount = await agent.http.mount(options.listen, '/', createHandler(options.listen, app));
        if (signal.aborted) await unmount();
      },
      async stop() {
        const unmounted = unmount?.();
        await running.drain(DRAIN_MS);
        await unmounted;
        await app?.close();
      },
    };
  },
});
