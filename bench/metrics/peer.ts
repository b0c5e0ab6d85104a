/** What one would write by hand: `node:http`, mysql2, `JSON.stringify`. `/ready` answers as many bytes that were made before. */
import { createServer } from 'node:http';
import { createPool } from 'mysql2/promise';

const [, , uri = '', sql = ''] = process.argv;
const pool = createPool({ uri, timezone: 'Z' });
const answer = async () => {
  const [rows] = await pool.execute(sql);
  return JSON.stringify({ count: (rows as unknown[]).length, data: rows });
};
const ready = Buffer.from(await answer());

createServer(async (request, response) => {
  const body = request.url === '/ready' ? ready : await answer();
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body);
}).listen(0, '127.0.0.1', function (this: ReturnType<typeof createServer>) {
  const address = this.address();
  if (typeof address === 'object' && address) process.send?.(address.port);
});
