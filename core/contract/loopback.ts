const PORT = /:\d*$/;
const LOOPBACK_NAME = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i;

/** Whether a `host` or `host:port` (an IPv6 address in brackets) can only mean this machine. */
export function isLoopback(host: string): boolean {
  return LOOPBACK_NAME.test(host.replace(PORT, ''));
}

/**
 * Whether a request with this `Host` header may be answered by something that listens at `listen`. On a loopback address only
 * loopback names may: any other name is a web page that had its own name resolved to this machine (DNS rebinding). A request
 * without the header comes from no browser.
 */
export function mayAsk(listen: string, host: string | undefined): boolean {
  return host === undefined || !isLoopback(listen) || isLoopback(host);
}
