/** What a script inherits of the agent's environment; nothing else, so that no credential of the agent reaches it unasked. */
const INHERITED = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TZ', 'TMPDIR'];
const USUAL_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const SECRET_NAME = /pass|pwd|secret|token|key|credential|auth|cookie/i;
const PASSWORD_IN_URL = /:\/\/[^:/?#\s]*:([^@/?#\s]+)@/;
/** A shorter one occurs by chance all over a text, and hides little. */
const SHORTEST_SECRET = 4;

export function environmentOf(own: Readonly<Record<string, string>>, agent: NodeJS.ProcessEnv): Record<string, string> {
  const inherited = INHERITED.flatMap((name) => (agent[name] === undefined ? [] : [[name, agent[name]] as const]));
  return { PATH: USUAL_PATH, ...Object.fromEntries(inherited), ...own };
}

/**
 * Takes the secrets among the configured variables out of a text: the values of those whose name says so, and passwords
 * in URLs. A script that prints them (`set -x`) thereby puts them into no answer, log or history.
 */
export function masking(own: Readonly<Record<string, string>>): (text: string) => string {
  const secrets = Object.entries(own)
    .flatMap(([name, value]) => (SECRET_NAME.test(name) ? [value] : [PASSWORD_IN_URL.exec(value)?.[1] ?? '']))
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)])
    .sort((a, b) => b.length - a.length);
  return (text) => secrets.reduce((masked, secret) => masked.replaceAll(secret, '***'), text);
}
