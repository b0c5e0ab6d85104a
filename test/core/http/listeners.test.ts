import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstat, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { get, type RequestOptions } from 'node:http';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Handler, Log } from '../../../core/contract/index.ts';
import { createListeners } from '../../../core/http/listeners.ts';

const log: Log = { debug() {}, info() {}, warn() {}, error() {} };
let listeners = createListeners(log);
afterEach(async () => {
  await listeners.close();
  listeners = createListeners(log);
});

const says = (text: string): Handler => ({ request: (_request, response) => void response.end(text) });

function fetchFrom(listen: string, path: string): Promise<{ status: number | undefined; text: string }> {
  const address = listeners.address(listen) ?? '';
  const where: RequestOptions = address.startsWith('unix:')
    ? { socketPath: address.slice(5) }
    : { host: '127.0.0.1', port: address.split(':').at(-1) };
  return new Promise((resolve, reject) => {
    get({ ...where, path, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode, text }));
    }).on('error', reject);
  });
}

/** Sends bytes as they are and answers all that comes back. */
function raw(listen: string, bytes: string): Promise<string> {
  const port = Number(listeners.address(listen)?.split(':').at(-1));
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });
}

describe('shared listeners', () => {
  it('serves several mounts on one port, the longest prefix first', async () => {
    await listeners.mount('127.0.0.1:0', '/', says('root'));
    await listeners.mount('127.0.0.1:0', '/api/stream', says('stream'));
    expect((await fetchFrom('127.0.0.1:0', '/api/stream?x=1')).text).toBe('stream');
    expect((await fetchFrom('127.0.0.1:0', '/api/stream/sub')).text).toBe('stream');
    expect((await fetchFrom('127.0.0.1:0', '/api/streams')).text).toBe('root');
  });

  it('lets a new mount take over from an old one without refusing a request', async () => {
    const unmountOld = await listeners.mount('127.0.0.1:0', '/', says('old'));
    let stop = false;
    const seen = new Set<string>();
    const asking = (async () => {
      while (!stop) seen.add((await fetchFrom('127.0.0.1:0', '/')).text);
    })();
    await listeners.mount('127.0.0.1:0', '/', says('new'));
    await unmountOld();
    await expect.poll(() => seen.has('new')).toBe(true);
    stop = true;
    await asking;
    expect([...seen].sort()).toEqual(['new', 'old'].filter((text) => seen.has(text)));
  });

  it('closes the port with its last mount', async () => {
    const unmount = await listeners.mount('127.0.0.1:0', '/', says('x'));
    const port = Number(listeners.address('127.0.0.1:0')?.split(':').at(-1));
    await unmount();
    const outcome = await new Promise((resolve) => {
      connect(port, '127.0.0.1', () => resolve('open')).on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    });
    expect(outcome).toBe('ECONNREFUSED');
  });

  it('says who else has the port, and how to mend it', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as { port: number };
    await expect(listeners.mount(`127.0.0.1:${port}`, '/', says('x'))).rejects.toThrow(/in use by another process.*change `listen`/);
    other.close();
    await new Promise((resolve) => other.once('close', resolve));
    await listeners.mount(`127.0.0.1:${port}`, '/', says('later'));
    expect((await fetchFrom(`127.0.0.1:${port}`, '/')).text).toBe('later');
  });

  it('answers garbage, huge headers and unknown upgrades with a problem', async () => {
    await listeners.mount('127.0.0.1:0', '/only', says('x'));
    expect(await raw('127.0.0.1:0', 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1.1 400 .*problem\+json/s);
    expect(await raw('127.0.0.1:0', `GET /only HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`)).toMatch(/^HTTP\/1.1 431 /);
    const upgrade = 'GET /only HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n';
    expect(await raw('127.0.0.1:0', upgrade)).toMatch(/^HTTP\/1.1 404 .*no stream is served at/s);
    expect(await fetchFrom('127.0.0.1:0', '/elsewhere')).toMatchObject({
      status: 404,
      text: expect.stringContaining('nothing is served at /elsewhere'),
    });
  });

  it('listens on a socket file, also over one that a killed process left', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cauce-listen-'));
    const listen = `unix:${join(folder, 'a.sock')}`;
    const unmount = await listeners.mount(listen, '/', says('unix'));
    expect((await fetchFrom(listen, '/')).text).toBe('unix');
    await unmount();
    const killed = spawn(process.execPath, [
      '-e',
      `require('net').createServer().listen(${JSON.stringify(join(folder, 'a.sock'))}, () => process.kill(process.pid, 'SIGKILL'))`,
    ]);
    await once(killed, 'exit');
    expect((await lstat(join(folder, 'a.sock'))).isSocket()).toBe(true);
    const unmountAgain = await listeners.mount(listen, '/', says('again'));
    expect((await fetchFrom(listen, '/')).text).toBe('again');
    await unmountAgain();
    await writeFile(join(folder, 'plain'), 'not a socket');
    await expect(listeners.mount(`unix:${join(folder, 'plain')}`, '/', says('x'))).rejects.toThrow(/in use/);
    expect(await readFile(join(folder, 'plain'), 'utf8')).toBe('not a socket');
    await rm(folder, { recursive: true });
  });
});
