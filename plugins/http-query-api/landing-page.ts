import type { Services } from '../../core/contract/index.ts';
import { escapeHtml, page, table } from './html.ts';
import { routesTable } from './routes-table.ts';
import { readiness, sourceStates } from './state.ts';

export function landingPage(agent: Pick<Services, 'sources' | 'status'>): string {
  const { not_ready: missing } = readiness(agent);
  const state =
    missing.length === 0
      ? 'Everything that is configured runs.'
      : `<span class="bad">Not running: ${escapeHtml(missing.join(', '))}</span>`;
  const sources = sourceStates(agent).map((source) => [
    `<a href="/api/data/query?type=${encodeURIComponent(source.type)}&amp;source=${encodeURIComponent(source.name)}&amp;limit=100">${escapeHtml(source.name)}</a>`,
    escapeHtml(source.type),
    escapeHtml(source.label),
    source.error
      ? `<span class="bad">${escapeHtml(`${source.state ?? 'failed'}: ${source.error}`)}</span>`
      : escapeHtml(source.state ?? 'running'),
  ]);
  return page(
    'Cauce',
    `<h1>Cauce</h1><p class="lead">One agent for logs, metrics and health. ${state}</p>
<p>Look at the <a href="/api/data/query?type=logs&amp;limit=100">newest logs</a>, the <a href="/api/data/query?type=metrics">metrics</a>,
the <a href="/api/data/query?type=health">health</a>, or <a href="/docs">how to query</a>.</p>
<h2>Sources</h2>${sources.length > 0 ? table(['source', 'type', 'what it is', 'state'], sources) : '<p>None is configured yet: add one under <code>sources:</code> in the configuration.</p>'}
<h2>What is served</h2>${routesTable('/')}`,
  );
}
