import { defineSink } from '../../core/contract/index.ts';
import { STREAM_PATH } from './admission.ts';
import { options } from './options.ts';
import { StreamServer } from './stream-server.ts';

export default defineSink({
  name: 'websocket-stream',
  summary: 'Streams entries as they come over a WebSocket; a client resumes exactly where it was.',
  apiVersion: 1,
  options,
  needs: ['follow', 'sources', 'http'],
  create({ agent, options, log }) {
    const server = new StreamServer(agent, options, log);
    let unmount: (() => Promise<void>) | undefined;
    return {
      async start(signal) {
        server.open();
        unmount = await agent.http.mount(options.listen, STREAM_PATH, server);
        if (signal.aborted) await unmount();
      },
      async stop() {
        // A listener waits for its connections, so they are closed while it does.
        const unmounted = unmount?.();
        await server.close();
        await unmounted;
      },
    };
  },
});
