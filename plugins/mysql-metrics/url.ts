/** Where a server is, and as whom to log in. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly user?: string;
  readonly password?: string;
  readonly database?: string;
}

const FORM = 'expected mysql://user:password@host:port/database';

/** The parts of a URL, or what is wrong with it in words that repeat nothing of it, since it may hold a password. */
export function parseUrl(text: string): Address | string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return `${FORM}; characters such as @ : / # ? % in a password are written as %40 %3A %2F %23 %3F %25`;
  }
  if (url.protocol !== 'mysql:' && url.protocol !== 'mariadb:') return FORM;
  if (url.hostname === '') return `${FORM}; it names no host`;
  if (url.search !== '' || url.hash !== '') return 'it has something behind a ? or #; options such as tls have keys of their own here';
  try {
    const path = decodeURIComponent(url.pathname.replace(/^\//, ''));
    if (path.includes('/')) return `${FORM}; a database's name has no /`;
    return {
      host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port === '' ? 3306 : Number(url.port),
      ...(url.username !== '' && { user: decodeURIComponent(url.username) }),
      ...(url.password !== '' && { password: decodeURIComponent(url.password) }),
      ...(path !== '' && { database: path }),
    };
  } catch {
    return 'a % in it is not followed by two hex digits; write a % itself as %25';
  }
}
