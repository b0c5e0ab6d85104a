import { once } from 'node:events';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { startCluster } from './cluster.ts';
import { isFree } from './ports.ts';

const USUAL_PORT = 9042;

const {
  nodes,
  auth,
  port: asked,
} = await yargs(hideBin(process.argv))
  .scriptName('npm run cassandra --')
  .usage('$0 [options]\n\nStarts real Cassandra nodes on this machine until Ctrl-C. What they kept is removed then.')
  .options({
    nodes: { choices: [1, 2, 3] as const, default: 1 as const, describe: 'how many' },
    auth: { type: 'boolean', default: false, describe: 'with logins: cassandra, password cassandra' },
    port: { type: 'number', describe: `of all nodes; default: ${USUAL_PORT} when it is free` },
  })
  .strict()
  .parse();

const began = Date.now();
const seconds = () => Math.round((Date.now() - began) / 1000);
const usual = (await isFree(USUAL_PORT, ['127.0.0.1', '127.0.0.2', '127.0.0.3'].slice(0, nodes))) ? USUAL_PORT : undefined;
if (asked === undefined && usual === undefined) console.log(`port ${USUAL_PORT} is taken; another one is used`);
console.log(`starting ${nodes === 1 ? 'a node' : `${nodes} nodes`}; the first time, its jars are fetched by Maven`);
const progress = setInterval(() => console.log(`  ${seconds()} s`), 5000);
const wanted = asked ?? usual;
const cluster = await startCluster(nodes, { auth, ...(wanted !== undefined && { port: wanted }) }).finally(() => clearInterval(progress));
const { port } = cluster;
const addresses = cluster.hosts.map((host) => `${host}:${port}`);
const variables = [
  'CASSANDRA_ENABLED=true',
  `CASSANDRA_HOSTS=${cluster.hosts.join(',')}`,
  ...(port === USUAL_PORT ? [] : [`CASSANDRA_PORT=${port}`]),
  ...(nodes < 3 ? [`CASSANDRA_REPLICATION=${nodes}`] : []),
  ...(auth ? ['CASSANDRA_USER=cassandra', 'CASSANDRA_PASSWORD=cassandra'] : []),
];
console.log(`Cassandra ${cluster.version} answers at ${addresses.join(' ')} after ${seconds()} s

An agent that uses it, from another terminal:
  ${variables.join(' ')} npm start`);
// They log in nowhere.
if (!auth) console.log(`The tests on it:\n  CAUCE_TEST_CASSANDRA=${addresses.join(',')} npm test`);
console.log('\nCtrl-C ends it.');
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
console.log('stopping');
await cluster.remove();
