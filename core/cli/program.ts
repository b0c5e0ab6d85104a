import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { formatIssues } from '../config/load.ts';
import { ConfigError, describe } from '../contract/index.ts';
import { version } from '../host/package.ts';
import { catalog } from './catalog.ts';
import { check } from './check.ts';
import { dora } from './dora.ts';
import { metrics } from './metrics.ts';
import { plugin } from './plugin.ts';
import { query } from './query.ts';
import { retention } from './retention.ts';
import { run } from './run.ts';
import { schema } from './schema.ts';
import { stats } from './stats.ts';
import { tail } from './tail.ts';

/** sysexits.h: EX_CONFIG. */
const EXIT_CONFIG = 78;

/** `--from -2h` is what people write; to an argument parser `-2h` looks like two options. */
function withRelativeTimes(args: readonly string[]): string[] {
  return args.reduce<string[]>((joined, arg) => {
    const before = joined.at(-1);
    if ((before === '--from' || before === '--to') && /^-\d/.test(arg)) joined.splice(-1, 1, `${before}=${arg}`);
    else joined.push(arg);
    return joined;
  }, []);
}

try {
  await yargs(withRelativeTimes(hideBin(process.argv)))
    .scriptName('cauce')
    .usage('$0 <command>\n\nEvery log, metric and health check through one API and one live stream.')
    .command(run)
    .command(check)
    .command(query)
    .command(stats)
    .command(tail)
    .command(metrics)
    .command(dora)
    .command(catalog)
    .command(retention)
    .command(schema)
    .command(plugin)
    .demandCommand(1, 'say what to do; try: cauce run')
    .recommendCommands()
    .strict()
    .version(version)
    .help()
    .fail((message, error) => {
      throw error ?? new Error(`${message}\ntry: cauce --help`);
    })
    .parseAsync();
} catch (error) {
  if (error instanceof ConfigError) {
    console.error(error.issues.length > 0 ? formatIssues(error) : describe(error));
    process.exitCode = EXIT_CONFIG;
  } else {
    console.error(error instanceof Error && error.message.includes('cauce --help') ? error.message : `cauce: ${describe(error)}`);
    process.exitCode = 1;
  }
}
