import { createServer } from 'node:http';
import type { Cluster } from './cluster.ts';

/** Where test files ask for the node that they share; see `shared.ts`. */
export const LENDER = 'CAUCE_TEST_CASSANDRA_LENDER';

/** Runs in the process of the test runner, which outlives each test file. The node is started when a file asks for it first. */
export default async function setup(): Promise<() => Promise<void>> {
  let cluster: Promise<Cluster> | undefined;
  const server = createServer(async (_request, response) => {
    try {
      // A run without it does not even load the driver.
      cluster ??= import('./cluster.ts').then(({ startCluster }) => startCluster(1));
      const { hosts, port, dataCenter } = await cluster;
      response.end(JSON.stringify({ hosts, port, dataCenter }));
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  // Starting may take longer than a request usually does.
  server.requestTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  process.env[LENDER] = `http://127.0.0.1:${port}`;
  return async () => {
    server.close();
    await (await cluster?.catch(() => undefined))?.remove();
  };
}
