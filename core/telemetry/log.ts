import pc from 'picocolors';
import { pino } from 'pino';
import { formatTime, type JsonObject, type Log } from '../contract/index.ts';
import { readable } from './pretty.ts';
import { RotatingFile } from './rotating-file.ts';

export interface AgentLog extends Log {
  child(fields: { logger: string }): AgentLog;
  /** Resolves when everything logged so far has left this process. */
  flush(): Promise<void>;
  /** Flushes and closes the file; what is logged afterwards goes nowhere. */
  close(): Promise<void>;
}

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly file?: string;
  /** What goes to stderr: readable lines, the JSON lines of the file, or nothing. */
  readonly console: 'pretty' | 'json' | 'none';
  /** Bytes; default 10 MiB. */
  readonly maxSize?: number;
  /** Default 5. */
  readonly generations?: number;
}

const LEVEL_NAMES: Readonly<Record<string, string>> = { debug: 'DEBUG', info: 'INFO', warn: 'WARNING', error: 'ERROR', fatal: 'CRITICAL' };
const OWN_KEYS = new Set(['level', 'timestamp', 'process_id', 'logger', 'message']);

/** The agent's own log: one JSON object a line, in the format that the `json-logs` source reads. */
export function createLog(options: LogOptions): AgentLog {
  const output = new Output(options, (missing) => log.warn('the log file is written again, but lines are missing in it', { missing }));
  const logger = pino(
    {
      level: options.level,
      base: { process_id: process.pid },
      messageKey: 'message',
      timestamp: () => `,"timestamp":"${formatTime(Date.now() * 1000)}"`,
      formatters: { level: (label) => ({ level: LEVEL_NAMES[label] ?? label }) },
    },
    output,
  );
  const log = named(logger, 'cauce', output);
  return log;
}

/** Children are made from the root, since pino would write the name of each ancestor as well. */
function named(root: pino.Logger, name: string, output: Output): AgentLog {
  const logger = root.child({ logger: name });
  return {
    debug: (text, fields = {}) => logger.debug(renamed(fields), text),
    info: (text, fields = {}) => logger.info(renamed(fields), text),
    warn: (text, fields = {}) => logger.warn(renamed(fields), text),
    error: (text, fields = {}) => logger.error(renamed(fields), text),
    child: (fields) => named(root, fields.logger, output),
    flush: () => output.flush(),
    close: () => output.close(),
  };
}

/** A field named like a key of the line itself gets an underscore: an object with a key twice says something else to each reader. */
function renamed(fields: JsonObject): JsonObject {
  if (!Object.keys(fields).some((key) => OWN_KEYS.has(key))) return fields;
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [OWN_KEYS.has(key) ? `${key}_` : key, value]));
}

/** Where lines go. Neither a full disk nor a closed terminal stops the agent. */
class Output {
  readonly #file: RotatingFile | undefined;
  readonly #colours = pc.createColors(process.stderr.isTTY === true && !process.env['NO_COLOR']);
  #console: LogOptions['console'];
  #closed = false;

  constructor({ file, maxSize = 10 * 1024 * 1024, generations = 5, console }: LogOptions, recovered: (missing: number) => void) {
    this.#console = console;
    process.stderr.on('error', this.#consoleFailed);
    if (file === undefined) return;
    const trouble = (message: string | undefined, missing: number) => {
      if (message === undefined) recovered(missing);
      else process.stderr.write(`cauce: ${message}\n`);
    };
    this.#file = new RotatingFile({ path: file, maxSize, generations, trouble });
  }

  write(line: string): void {
    if (this.#closed) return;
    this.#file?.write(line);
    if (this.#console === 'json') process.stderr.write(line);
    if (this.#console === 'pretty') process.stderr.write(readable(line, this.#colours));
  }

  flush(): Promise<void> {
    return new Promise((resolve) => process.stderr.write('', () => resolve()));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#file?.close();
    await this.flush();
    process.stderr.off('error', this.#consoleFailed);
  }

  /** Whoever read standard error is gone; the file, if there is one, goes on alone. */
  readonly #consoleFailed = (): void => {
    this.#console = 'none';
  };
}
