import type { RoutePath } from './routes.ts';

export interface Example {
  readonly title: string;
  /** Default: `/api/data/query`. */
  readonly path?: RoutePath;
  /** Decoded, in the order in which they are written. */
  readonly parameters: readonly (readonly [name: string, value: string])[];
}

/** Shown at `/docs` and in the OpenAPI document; a test asks every one of them. */
export const EXAMPLES: readonly Example[] = [
  {
    title: 'The newest 20 log lines',
    parameters: [
      ['type', 'logs'],
      ['limit', '20'],
    ],
  },
  {
    title: 'Errors of the last two hours',
    parameters: [
      ['type', 'logs'],
      ['level', 'ERROR,CRITICAL'],
      ['from', '-2h'],
    ],
  },
  {
    title: 'Slow requests that did not answer 200',
    parameters: [
      ['type', 'logs'],
      ['where', 'duration_ms>=500'],
      ['where', 'status!=200'],
    ],
  },
  {
    title: 'A logger and a part of its message',
    parameters: [
      ['type', 'logs'],
      ['where', 'logger^=app.'],
      ['where', 'message~=timeout'],
    ],
  },
  {
    title: 'Everything about one request, oldest first',
    parameters: [
      ['type', 'logs'],
      ['request_id', 'req-1'],
      ['order', 'oldest'],
    ],
  },
  {
    title: 'Any key or value that contains a text, as NDJSON',
    parameters: [
      ['type', 'logs'],
      ['search', 'timeout'],
      ['format', 'ndjson'],
    ],
  },
  {
    title: 'Log lines for a spreadsheet',
    parameters: [
      ['type', 'logs'],
      ['days', '1'],
      ['format', 'csv'],
    ],
  },
  {
    title: 'Metrics of the last 30 days',
    parameters: [
      ['type', 'metrics'],
      ['days', '30'],
    ],
  },
  { title: 'How everything is now', parameters: [['type', 'health']] },
  {
    title: 'How everything was',
    parameters: [
      ['type', 'health'],
      ['history', '1'],
      ['days', '30'],
    ],
  },
  {
    title: 'How long each phase takes, by week',
    path: '/api/data/stats',
    parameters: [
      ['type', 'metrics'],
      ['days', '90'],
      ['by', 'phase_name'],
      ['bucket', '1w'],
      ['measure', 'avg(duration_seconds),p95(duration_seconds)'],
    ],
  },
  {
    title: "DORA's four keys of the last 30 days, by day",
    path: '/api/data/dora',
    parameters: [
      ['days', '30'],
      ['group', 'day'],
      ['rows', '10'],
    ],
  },
];

/** What `POST /api/data/metrics` takes; a test sends it. */
export const RECORD_EXAMPLE = {
  cycle_id: 'C-1',
  feature_id: 'F-1',
  phase_name: 'deployment',
  decision: 'go',
  duration_seconds: 12.5,
  metadata: { branch: 'main' },
};

export function examplesOf(path: RoutePath): Example[] {
  return EXAMPLES.filter((example) => pathOf(example) === path);
}

/** The path and query of an example, encoded. */
export function hrefOf(example: Example): string {
  const { parameters } = example;
  return `${pathOf(example)}?${parameters.map(([name, value]) => `${name}=${encodeURIComponent(value).replaceAll('%2C', ',')}`).join('&')}`;
}

function pathOf({ path = '/api/data/query' }: Example): RoutePath {
  return path;
}

/** A value that shows what each parameter looks like. */
export const SAMPLE_VALUES: Readonly<Record<string, string | string[]>> = {
  type: 'logs',
  level: ['ERROR,CRITICAL'],
  logger: ['app.orders'],
  request_id: ['req-1'],
  where: ['duration_ms>=500'],
  search: ['timeout'],
  days: '7',
  limit: '100',
  from: '-2h',
  to: 'now',
  order: 'newest',
  format: 'json',
  history: '1',
  by: ['phase_name'],
  measure: ['avg(duration_seconds)'],
  bucket: '1d',
  group: 'week',
  rows: '10',
};
