/** Addresses of nodes; `port` when they name one, the same for all. */
export interface Hosts {
  readonly hosts: readonly string[];
  readonly port?: number;
}

const HOST = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s[\]]+)|([0-9a-fA-F]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*))(?::(\d{1,5}))?$/;

/** Reads `host`, `host:port`, `[v6]:port` and `v6`; a text says what is wrong. Peers are known by address only, so that all nodes share one port. */
export function parseHosts(given: readonly string[]): Hosts | string {
  const hosts: string[] = [];
  const ports = new Set<number>();
  for (const text of given) {
    const match = HOST.exec(text);
    if (!match) return `${JSON.stringify(text)} is no host; expected a name or an address, such as 10.0.0.1 or 10.0.0.1:9042`;
    const [, bracketed, name, v6, port] = match;
    hosts.push((bracketed ?? name ?? v6) as string);
    if (port !== undefined) ports.add(Number(port));
  }
  const [port, other] = [...ports];
  if (other !== undefined) return `all nodes of a cluster share one port, and here are ${[...ports].join(' and ')}`;
  if (port !== undefined && (port < 1 || port > 65_535)) return `${port} is no port; expected 1 to 65535`;
  return port === undefined ? { hosts } : { hosts, port };
}
