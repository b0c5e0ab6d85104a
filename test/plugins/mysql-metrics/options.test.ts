import { describe, expect, it } from 'vitest';
import { loginOf } from '../../../plugins/mysql-metrics/login.ts';
import { options } from '../../../plugins/mysql-metrics/options.ts';

const SECRET = 'pass%2Fw0rd';
const wrong = (given: unknown) => {
  const result = options.safeParse(given);
  return result.success ? '' : result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n');
};

describe('options', () => {
  it('takes a url or its parts for the same', async () => {
    const byUrl = loginOf(options.parse({ url: `mysql://me%40home:${SECRET}@[::1]:3307/some%20db` }));
    const byParts = loginOf(options.parse({ host: '::1', port: '3307', user: 'me@home', password: 'pass/w0rd', database: 'some db' }));
    expect(byUrl.at).toBe('[::1]:3307');
    expect(await byUrl.config()).toEqual(await byParts.config());
    expect(await byUrl.config()).toMatchObject({ user: 'me@home', password: 'pass/w0rd', database: 'some db', multipleStatements: false });
  });

  it('takes the database from the table when that names one', () => {
    expect(loginOf(options.parse({ url: 'mysql://h/', table: 'other.rows' })).database).toBe('other');
  });

  it.each([
    [{}, /^database: give the name/],
    [{ url: `http://u:${SECRET}@h/db` }, /^url: expected mysql:\/\/user/],
    [{ url: `mysql://u:${SECRET}/@h/db` }, /^url: /],
    [{ url: `mysql://u:${SECRET}@h` }, /^url: it names no database/],
    [{ url: `mysql://u:${SECRET}@h/db?multipleStatements=true` }, /^url: it has something behind a \?/],
    [{ url: `mysql://u:%zz${SECRET}@h/db` }, /^url: a % in it/],
    [{ url: `mysql://u:${SECRET}@h/db`, password: SECRET }, /^password: it is a part of url already/],
    [{ url: `mysql://u:${SECRET}@h/db`, password_file: '/x' }, /^password_file: url has a password/],
    [{ database: 'd', password: SECRET, password_file: '/x' }, /^password_file: password is given/],
    [{ database: 'd', table: 'a\u0000b' }, /^table: /],
    [{ database: 'd', table: 'a.b.' }, /^$/],
    [{ database: 'd', id_column: 'id ' }, /^id_column: a name has no control characters, and no blank at its end/],
    [{ database: 'd', time_zone: 'Europe/Madrid' }, /^time_zone: expected a fixed offset/],
    [{ database: 'd', time_zone: "+00:00', autocommit=0" }, /^time_zone: /],
    [{ database: 'd', host: 'h', tls: { cert: 'x' } }, /^tls: cert and key/],
    [{ database: 'd', tls: {} }, /^tls: a certificate is checked against a name, and the host is an address/],
    [{ url: 'mysql://[::1]/d', tls: {} }, /^tls: a certificate is checked/],
    [{ url: 'mysql://db.example/d', tls: {} }, /^$/],
    [{ database: 'd', tls: { verfy: true } }, /^tls/],
    [{ database: 'd', keep: '59m' }, /^keep: expected at least 1h/],
    [{ database: 'd', keep: '60m' }, /^$/],
  ])('%j: %s', (given, message) => {
    const told = wrong(given);
    expect(told).toMatch(message);
    expect(told).not.toContain('w0rd');
  });
});
