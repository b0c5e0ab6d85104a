import type { Argv } from 'yargs';

const SELECTION = ['source', 'level', 'logger', 'request_id', 'where', 'search'] as const;

/** Options that select entries, the same for `query` and `tail`. */
export const selectionOptions = {
  source: { type: 'string', array: true, nargs: 1, describe: 'only this source' },
  level: { type: 'string', array: true, nargs: 1, describe: 'only this level' },
  logger: { type: 'string', array: true, nargs: 1, describe: 'only this logger' },
  'request-id': { type: 'string', array: true, nargs: 1, describe: 'only this request' },
  where: { type: 'string', array: true, nargs: 1, alias: 'w', describe: 'a condition, e.g. "duration_ms>=500", "message~=timeout"' },
  search: { type: 'string', array: true, nargs: 1, alias: 's', describe: 'some key or value contains this' },
} as const;

export function addTargetOptions(yargs: Argv) {
  return yargs.conflicts('url', 'config').options({
    url: { type: 'string', describe: 'ask a running agent, e.g. http://127.0.0.1:8000' },
    config: { type: 'string', alias: 'c', describe: 'open the sources of this configuration instead' },
  });
}

/** The parameters of the API for a command's arguments. */
export function toParameters(args: Record<string, unknown>, single: readonly string[]): URLSearchParams {
  const parameters = new URLSearchParams({ type: String(args['type']) });
  for (const name of SELECTION) {
    const given = args[name] ?? args[name.replace('_', '-')];
    for (const value of (given as string[] | undefined) ?? []) parameters.append(name, value);
  }
  for (const name of single) if (args[name] !== undefined) parameters.set(name, String(args[name]));
  return parameters;
}
