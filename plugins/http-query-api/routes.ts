import { type Problem, problem } from '../../core/contract/index.ts';

export interface Route {
  readonly path: string;
  readonly summary: string;
  /** Default: GET and HEAD. */
  readonly methods?: readonly string[];
}

const READING: readonly string[] = ['GET', 'HEAD'];

/** Everything that is served, as the landing page, the OpenAPI document and a 404 list it. */
export const ROUTES = [
  { path: '/', summary: 'A page that links all of this.' },
  { path: '/api/data/query', summary: 'Logs, metrics and health from every configured source, merged.' },
  { path: '/api/data/stats', summary: 'Counts, sums, means and quantiles by fields and time.' },
  { path: '/api/data/dora', summary: "DORA's four keys, with the rows behind each." },
  { path: '/api/data/catalog', summary: 'What every source holds, how fresh and how good it is, who answers for it and who reads it.' },
  { path: '/api/data/retention', summary: 'How long everything is kept, and what was last done about it.' },
  { path: '/api/data/metrics', methods: ['POST'], summary: 'Takes metrics, such as the phases of a delivery, from who has the token.' },
  { path: '/api/data/sources', summary: 'The configured sources, what each can do and how it is.' },
  { path: '/docs', summary: 'How to query, for people.' },
  { path: '/openapi.json', summary: 'How to query, for machines: OpenAPI 3.1.' },
  { path: '/-/healthy', summary: 'Always 200 while the process serves.' },
  { path: '/-/ready', summary: '200 as soon as the listeners serve; names every instance that is not running.' },
  { path: '/metrics', summary: "The agent's own metrics, in Prometheus' text format." },
] as const satisfies readonly Route[];

export type RoutePath = (typeof ROUTES)[number]['path'];

/** The route of a request's URL; a slash at its end does not matter. */
export function findRoute(url: string): Route | undefined {
  const path = url.split('?', 1)[0] ?? '/';
  return ROUTES.find((route) => route.path === path || `${route.path}/` === path);
}

export function methodsOf(route: Route): readonly string[] {
  return route.methods ?? READING;
}

export function noSuchRoute(url: string): Problem {
  const path = url.split('?', 1)[0] ?? '/';
  return problem(404, 'ERR_NOT_FOUND', `nothing is served at ${path.slice(0, 200)}; see routes`, {
    routes: ROUTES.map((route) => route.path),
  });
}
