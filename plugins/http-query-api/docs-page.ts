import { type DataType, queryParameters, type z } from '../../core/contract/index.ts';
import { doraParameters } from './dora-schema.ts';
import { EXAMPLES, hrefOf, RECORD_EXAMPLE } from './examples.ts';
import { escapeHtml, page, prose, table } from './html.ts';
import { IDEMPOTENCY_KEY, recordBody, recordParameters } from './record-schema.ts';
import { routesTable } from './routes-table.ts';
import { statsParameters } from './stats-schema.ts';

type Shape = Readonly<Record<string, z.ZodType>>;

/** How to query, for people. `host` is the `Host` header of whoever reads it. */
export function docsPage(types: readonly DataType[], host: string): string {
  const examples = EXAMPLES.map((example) => [
    escapeHtml(example.title),
    `<a href="${escapeHtml(hrefOf(example))}"><code>${escapeHtml(decodeURIComponent(hrefOf(example)))}</code></a>`,
  ]);
  return page(
    'Cauce: how to query',
    `<h1>How to query</h1><p class="lead"><a href="/">Cauce</a> answers <code>GET /api/data/query</code>, and more. Types here: ${codes(types)}</p>
<h2>Try it</h2>${table(['what', 'query'], examples)}
<h2>Parameters of /api/data/query</h2>${explained(queryParameters.shape)}
<h2>Answers</h2>
<p>JSON carries <code>data</code>, <code>count</code>, <code>truncated</code>, <code>next_cursor</code>, one report per source in <code>sources</code>, and a <code>note</code> when
something should be known. A source that is down makes an answer partial, and is named. Errors are RFC 9457 problem details with a stable <code>code</code>.
The whole description for machines: <a href="/openapi.json">/openapi.json</a>.</p>
<h2>Everything that is served</h2>${routesTable('/docs')}
<h2 id="stats">Parameters of /api/data/stats</h2>${beyondQuery(statsParameters.shape)}
<h2 id="dora">Parameters of /api/data/dora</h2>${explained(doraParameters.shape)}
<h2 id="metrics">POST /api/data/metrics</h2>
<p>Takes one row, or a list of at most 1000, from who has the <code>write_token</code> of this API. All rows are added, or none.</p>
<pre><code>${escapeHtml(RECORD.replaceAll('HOST', host))}</code></pre>
${explained(recordParameters.shape)}${table(['header', 'what'], [[codes([IDEMPOTENCY_KEY.name]), prose(IDEMPOTENCY_KEY.description)]])}
${explained(recordBody.shape, 'field of a row')}
<h2>With curl</h2>
<pre><code>${escapeHtml(CURL.replaceAll('HOST', host))}</code></pre>
<h2>Live, over a WebSocket</h2>
<p>Where the sink <code>websocket-stream</code> is configured on this address, the same selection streams as one JSON frame an entry. Fold each frame's
<code>cursor</code> into the <code>position</code> of <code>hello</code>, and hand that in as <code>after</code> (base64url of its JSON) to resume.</p>
<pre><code>${escapeHtml(SOCKET.replaceAll('HOST', host))}</code></pre>`,
  );
}

function explained(shape: Shape, head = 'parameter'): string {
  return table(
    [head, 'what'],
    Object.entries(shape).map(([name, schema]) => [codes([name]), prose(schema.description ?? '')]),
  );
}

/** What a query takes as well is only named. */
function beyondQuery(shape: Shape): string {
  const query: Shape = queryParameters.shape;
  const shared = Object.keys(shape).filter((name) => shape[name] === query[name]);
  const own = Object.entries(shape).filter(([name]) => !shared.includes(name));
  return `${explained(Object.fromEntries(own))}<p>As for a query: ${codes(shared)}</p>`;
}

function codes(texts: readonly string[]): string {
  return texts.map((text) => `<code>${escapeHtml(text)}</code>`).join(' ');
}

const CURL = `curl 'http://HOST/api/data/query?type=logs&limit=20'
curl -G 'http://HOST/api/data/query' -d type=logs --data-urlencode 'where=duration_ms>=500'
curl 'http://HOST/api/data/query?type=health'`;

const RECORD = `curl 'http://HOST/api/data/metrics' -H 'Authorization: Bearer TOKEN' -H 'Content-Type: application/json' \\
  -d '${JSON.stringify(RECORD_EXAMPLE)}'`;

const SOCKET = `const socket = new WebSocket('ws://HOST/api/data/stream?type=logs&level=ERROR');
socket.onmessage = ({ data }) => console.log(JSON.parse(data));`;
