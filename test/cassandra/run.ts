import { once } from 'node:events';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { startCluster } from './cluster.ts';

const { nodes, auth, port } = await yargs(hideBin(process.argv))
  .scriptName('npm run cassandra --')
  .usage('$0 [options]\n\nStarts real Cassandra nodes on this machine until Ctrl-C. What they kept is removed then.')
  .options({
    nodes: { choices: [1, 2, 3] as const, default: 1 as const, describe: 'how many' },
    auth: { type: 'boolean', default: false, describe: 'with logins: cassandra, password cassandra' },
    port: { type: 'number', default: 9042, describe: 'of all nodes' },
  })
  .strict()
  .parse();

const began = Date.now();
console.log(`starting ${nodes === 1 ? 'a node' : `${nodes} nodes`}; the first time, its jars are fetched by Maven`);
const cluster = await startCluster(nodes, { auth, port });
const hosts = cluster.hosts.join(',');
console.log(`Cassandra ${cluster.version} answers at ${cluster.hosts.map((host) => `${host}:${port}`).join(' ')} after ${Math.round((Date.now() - began) / 1000)} s

An agent that uses it, from another terminal:
  CASSANDRA_ENABLED=true CASSANDRA_HOSTS=${hosts}${port === 9042 ? '' : ` CASSANDRA_PORT=${port}`}${nodes < 3 ? ` CASSANDRA_REPLICATION=${nodes}` : ''} npm start
The tests on it:
  CAUCE_TEST_CASSANDRA=${cluster.hosts.map((host) => `${host}:${port}`).join(',')} npm test

Ctrl-C ends it.`);
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
console.log('stopping');
await cluster.remove();
