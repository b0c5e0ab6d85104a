import { escapeHtml, table } from './html.ts';
import { ROUTES, type Route, type RoutePath } from './routes.ts';

/** Everything that is served, as HTML, but for the page that shows it. */
export function routesTable(shownAt: RoutePath): string {
  const others = ROUTES.filter((route) => route.path !== shownAt);
  return table(
    ['path', 'what'],
    others.map((route) => [linkTo(route), escapeHtml(route.summary)]),
  );
}

/** What cannot be asked without a parameter is linked with one. */
const LINKS: Readonly<Record<string, string>> = {
  '/api/data/query': '/api/data/query?type=logs&limit=100',
  '/api/data/stats': '/api/data/stats?type=metrics&days=90&by=phase_name',
};

function linkTo(route: Route): string {
  const { path, methods } = route;
  if (methods) return `<code>${methods.join(', ')} ${path}</code>`;
  return `<a href="${escapeHtml(LINKS[path] ?? path)}"><code>${path}</code></a>`;
}
