import { type Handler, isLoopback, type Log } from '../contract/index.ts';
import { SharedServer } from './server.ts';

export interface Listeners {
  mount(listen: string, prefix: string, handler: Handler): Promise<() => Promise<void>>;
  /** Where an asked-for address is really bound; undefined when it is not. */
  address(listen: string): string | undefined;
  close(): Promise<void>;
}

const GRACE_MS = 5000;

/** The agent's listeners: one server per address, opened with its first mount and closed with its last. */
export function createListeners(log: Log): Listeners {
  const servers = new Map<string, { server: SharedServer; opened: Promise<void> }>();

  function open(listen: string) {
    const known = servers.get(listen);
    if (known) return known;
    if (!listen.startsWith('unix:') && !isLoopback(listen))
      log.warn('this address is reachable from other machines, and nothing asks who is there', { listen });
    const server = new SharedServer(listen, log);
    const entry = { server, opened: server.open() };
    servers.set(listen, entry);
    entry.opened.then(
      () => log.info('listening', { listen: server.address }),
      () => servers.delete(listen),
    );
    return entry;
  }

  async function closeUnused(listen: string): Promise<void> {
    const entry = servers.get(listen);
    if (!entry || entry.server.mounted > 0) return;
    servers.delete(listen);
    await entry.server.close(GRACE_MS);
  }

  return {
    async mount(listen, prefix, handler) {
      const { server, opened } = open(listen);
      // Added before the port opens, so that the first request finds it.
      const remove = server.add(prefix, handler);
      try {
        await opened;
      } catch (error) {
        remove();
        throw error;
      }
      return async () => {
        remove();
        await closeUnused(listen);
      };
    },
    address: (listen) => servers.get(listen)?.server.address,
    async close() {
      await Promise.all([...servers.values()].map(({ server }) => server.close(GRACE_MS)));
      servers.clear();
    },
  };
}
