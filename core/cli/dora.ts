import type { Argv } from 'yargs';
import type { DoraClass, DoraEvidence, DoraFigure, DoraKey } from '../contract/index.ts';
import { ask } from './ask.ts';
import { pc } from './colours.ts';
import { printable, table } from './render.ts';
import { addTargetOptions } from './selection.ts';

type Evidence = Omit<DoraEvidence, 'time'> & { readonly time: string };
type Figure = Omit<DoraFigure, 'rows' | 'open'> & { readonly open?: readonly Evidence[] };
interface Answer {
  readonly days: number;
  readonly group: string;
  readonly from: string;
  readonly to: string;
  readonly source: string;
  readonly keys: Readonly<Record<DoraKey, Figure>>;
  readonly series: readonly ({ readonly time: string; readonly deployments: number } & Readonly<Record<DoraKey, number | null>>)[];
  readonly definitions: Readonly<Record<DoraKey, string>>;
  readonly note?: string;
}

const PARAMETERS = ['days', 'group', 'from', 'to', 'source', 'rows'] as const;
const KEYS: readonly DoraKey[] = ['deployment_frequency', 'lead_time', 'change_failure_rate', 'time_to_restore'];
const COLOURS: Readonly<Record<DoraClass, (text: string) => string>> = {
  elite: pc.green,
  high: pc.cyan,
  medium: pc.yellow,
  low: pc.red,
  'no data': pc.dim,
};

export const dora = {
  command: 'dora',
  describe: "DORA's four keys, worked out from the metrics",
  builder: (yargs: Argv) =>
    addTargetOptions(yargs).options({
      days: { type: 'string', describe: 'days back from --to (90)' },
      group: { choices: ['day', 'week', 'month'] as const, describe: 'what the series counts by (week)' },
      from: { type: 'string', describe: 'begin of the window: RFC 3339, Unix, or -90d' },
      to: { type: 'string', describe: 'end of the window (now)' },
      source: { type: 'string', array: true, nargs: 1, describe: 'only this source' },
      rows: { type: 'string', describe: 'with --json: the most rows to show behind each figure (1000)' },
      json: { type: 'boolean', describe: 'the answer of the API as it is' },
    }),
  handler: async (args: Record<string, unknown>): Promise<void> => {
    const parameters = new URLSearchParams();
    for (const name of PARAMETERS) {
      const given = args[name] ?? (name === 'rows' && !args['json'] ? '0' : []);
      for (const value of [given].flat()) parameters.append(name, String(value));
    }
    await ask(args, `/api/data/dora?${parameters}`, print);
  },
};

function print({ days, group, from, to, source, keys, series, definitions, note }: Answer): void {
  console.log(`${pc.bold("DORA's four keys")}, ${round(days)} days from ${minute(from)} to ${minute(to)} UTC\n`);
  console.log(
    table(
      ['key', 'value', 'class', 'median', 'p95', 'n', 'trend'],
      KEYS.map((key) => figureRow(key, keys[key], group)),
    ),
  );
  console.log(`\nby ${group}, from ${minute(series[0]?.time ?? from).slice(0, 10)} on`);
  for (const key of KEYS) console.log(plot(key, series));
  const { open = [] } = keys.time_to_restore;
  if (open.length > 0) {
    console.log(`\n${pc.red(`${open.length} ${open.length === 1 ? 'failure is' : 'failures are'} not restored`)}`);
    console.log(table(['since', 'cycle', 'feature', 'row'], open.map(openRow)));
  }
  console.log('');
  for (const key of KEYS) console.log(`${pc.bold(words(key))}: ${pc.dim(printable(definitions[key]))}`);
  console.error(pc.dim(`from ${printable(source)}`));
  if (note) console.error(pc.yellow(printable(note)));
}

function figureRow(key: DoraKey, figure: Figure, group: string): string[] {
  const { value, class: found, median, p95, n, trend } = figure;
  const spread = (one: number | null | undefined) => {
    if (one === undefined || one === null) return '';
    return key === 'deployment_frequency' ? `${round(one)} a ${group}` : human(figure, one);
  };
  return [words(key), human(figure, value), COLOURS[found](found), spread(median), spread(p95), String(n), trendText(figure, trend)];
}

function trendText(figure: Figure, { previous, direction }: DoraFigure['trend']): string {
  if (direction === 'no data') return pc.dim(previous === null ? 'nothing before' : `was ${human(figure, previous)}`);
  const colour = direction === 'better' ? pc.green : direction === 'worse' ? pc.red : pc.dim;
  return `${colour(direction)}, was ${human(figure, previous)}`;
}

function openRow({ time, cycle_id = '', feature_id = '', ids }: Evidence): string[] {
  return [minute(time), printable(cycle_id), printable(feature_id), printable(ids.join(' '))];
}

const BARS = '▁▂▃▄▅▆▇█';
const WIDEST = 100;

/**
 * A bar for each group, the newest 100 of them, as high as its share of the largest; only zero has the lowest, and no data is a
 * dot. The frequency shows deployments, since the rate of a part of a group swings.
 */
function plot(key: DoraKey, groups: Answer['series']): string {
  const series = groups.map((one) => (key === 'deployment_frequency' && one[key] !== null ? one.deployments : one[key]));
  const newest = series.slice(-WIDEST);
  const known = newest.filter((value) => value !== null);
  const most = Math.max(...known);
  const bars = newest.map((value) => {
    if (value === null) return '·';
    return BARS[value === 0 ? 0 : Math.max(1, Math.round((value / most) * (BARS.length - 1)))];
  });
  const unit = key === 'change_failure_rate' ? 'fraction' : 'seconds';
  const top = known.length === 0 ? 'no data' : `up to ${key === 'deployment_frequency' ? round(most) : human({ unit }, most)}`;
  const cut = series.length > WIDEST ? `, the newest ${WIDEST} of ${series.length}` : '';
  return `${words(key).padEnd(21)} ${bars.join('')}  ${pc.dim(top + cut)}`;
}

/** A figure in the unit that a person would use. */
function human({ unit }: Pick<DoraFigure, 'unit'>, value: number | null): string {
  if (value === null) return pc.dim('no data');
  if (unit === 'per week') return `${round(value)} per week`;
  if (unit === 'fraction') return `${round(value * 100)} %`;
  if (value < 60) return `${round(value)} s`;
  if (value < 3600) return `${round(value / 60)} min`;
  return value < 48 * 3600 ? `${round(value / 3600)} h` : `${round(value / 86_400)} d`;
}

function round(value: number): string {
  return String(Math.round(value * 100) / 100);
}

function minute(time: string): string {
  return printable(time).slice(0, 16).replace('T', ' ');
}

function words(key: DoraKey): string {
  return key.replaceAll('_', ' ');
}
