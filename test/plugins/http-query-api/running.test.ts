import { createServer, get, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { Running } from '../../../plugins/http-query-api/running.ts';

test('draining aborts what does not end, and cuts what is not taken', async () => {
  const running = new Running();
  const signals: AbortSignal[] = [];
  const server = createServer((_request, response: ServerResponse) => {
    signals.push(running.begin(response));
    response.write('never ends');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const cut = new Promise((resolve) =>
    get({ port, host: '127.0.0.1' }, (response) => {
      void running.drain(10).then(() => server.close());
      response.on('error', resolve).resume();
    }),
  );
  await cut;
  expect(signals[0]?.reason).toMatchObject({ code: 'ERR_STOPPING' });
  await running.drain(10);
});
