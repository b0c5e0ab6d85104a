import { type DataType, queryParameters } from '../../core/contract/index.ts';
import { EXAMPLES, hrefOf } from './examples.ts';
import { escapeHtml, page, prose, table } from './html.ts';

/** How to query, for people. `host` is the `Host` header of whoever reads it. */
export function docsPage(types: readonly DataType[], host: string): string {
  const parameters = Object.entries(queryParameters.shape).map(([name, schema]) => [
    `<code>${name}</code>`,
    prose(schema.description ?? ''),
  ]);
  const examples = EXAMPLES.map((example) => [
    escapeHtml(example.title),
    `<a href="${escapeHtml(hrefOf(example))}"><code>${escapeHtml(decodeURIComponent(hrefOf(example)))}</code></a>`,
  ]);
  return page(
    'Cauce: how to query',
    `<h1>How to query</h1><p class="lead"><a href="/">Cauce</a> answers <code>GET /api/data/query</code>. Types here: ${types.map((type) => `<code>${escapeHtml(type)}</code>`).join(' ')}</p>
<h2>Try it</h2>${table(['what', 'query'], examples)}
<h2>Parameters</h2>${table(['name', 'what'], parameters)}
<h2>Answers</h2>
<p>JSON carries <code>data</code>, <code>count</code>, <code>truncated</code>, <code>next_cursor</code>, one report per source in <code>sources</code>, and a <code>note</code> when
something should be known. A source that is down makes an answer partial, and is named. Errors are RFC 9457 problem details with a stable <code>code</code>.
The whole description for machines: <a href="/openapi.json">/openapi.json</a>.</p>
<h2>With curl</h2>
<pre><code>${escapeHtml(CURL.replaceAll('HOST', host))}</code></pre>
<h2>Live, over a WebSocket</h2>
<p>Where the sink <code>websocket-stream</code> is configured on this address, the same selection streams as one JSON frame an entry. Fold each frame's
<code>cursor</code> into the <code>position</code> of <code>hello</code>, and hand that in as <code>after</code> (base64url of its JSON) to resume.</p>
<pre><code>${escapeHtml(SOCKET.replaceAll('HOST', host))}</code></pre>`,
  );
}

const CURL = `curl 'http://HOST/api/data/query?type=logs&limit=20'
curl -G 'http://HOST/api/data/query' -d type=logs --data-urlencode 'where=duration_ms>=500'
curl 'http://HOST/api/data/query?type=health'`;

const SOCKET = `const socket = new WebSocket('ws://HOST/api/data/stream?type=logs&level=ERROR');
socket.onmessage = ({ data }) => console.log(JSON.parse(data));`;
