import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { describeWithOwnMariaDb, type MariaDb, startOwnMariaDb } from '../../mariadb/server.ts';
import { addRows, DORA, newest, type Opened, open } from './stage.ts';

describeWithOwnMariaDb('a server that wants encrypted connections, with a certificate of its own making', () => {
  let db: MariaDb;
  let folder: string;
  let opened: Opened | undefined;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cauce-tls-'));
    await makeCertificate('localhost');
    await makeCertificate('elsewhere');
    db = await startOwnMariaDb();
    await db.query(DORA);
    await addRows(db, 3);
    await db.restart(serving('localhost'));
  });
  afterAll(async () => {
    await db?.remove();
    await rm(folder, { recursive: true, force: true });
  });
  afterEach(async () => {
    await opened?.close();
    opened = undefined;
  });

  async function makeCertificate(name: string): Promise<void> {
    const files = ['-keyout', join(folder, `${name}-key.pem`), '-out', join(folder, `${name}.pem`)];
    const facts = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`, '-days', '2'];
    await promisify(execFile)('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...facts, ...files]);
  }
  function serving(name: string): string[] {
    return [`--ssl-cert=${join(folder, `${name}.pem`)}`, `--ssl-key=${join(folder, `${name}-key.pem`)}`, '--require-secure-transport=ON'];
  }
  async function asked(tls: unknown): Promise<unknown[]> {
    opened = await open({ host: 'localhost', port: db.port, user: 'root', database: db.database, tls });
    return newest(opened.source);
  }

  it('says so when tls is left out', async () => {
    await expect(asked(false)).rejects.toThrow(/refuses the login of root: .*wants encrypted connections: set tls/);
  });
  it('does not trust the certificate by itself', async () => {
    await expect(asked({})).rejects.toThrow(/certificate of localhost:\d+ is not trusted: name its authority's file as tls\.ca/);
  });
  it('trusts it when it is named', async () => {
    expect(await asked({ ca: join(folder, 'localhost.pem') })).toHaveLength(3);
  });
  it('trusts anybody when it is told to', async () => {
    expect(await asked({ verify: false })).toHaveLength(3);
  });
  it('minds whom it is made out to', async () => {
    await db.restart(serving('elsewhere'));
    await expect(asked({ ca: join(folder, 'elsewhere.pem') })).rejects.toThrow(
      /certificate of localhost:\d+ is not trusted: .*a host name that it is made out to/,
    );
  });
  it('names the file that it cannot read', async () => {
    await expect(asked({ ca: join(folder, 'absent.pem') })).rejects.toThrow(/cannot read the file of tls\.ca, .*absent\.pem/);
  });
});
