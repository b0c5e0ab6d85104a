import { startCluster } from './cluster.ts';

/** Starts a node, says where it is, and waits for its end; for `orphans.test.ts`. */
const cluster = await startCluster(1);
console.log(JSON.stringify({ folder: cluster.folder, pids: cluster.pids() }));
setInterval(() => undefined, 60_000);
