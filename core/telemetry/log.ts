import pc from 'picocolors';
import { pino } from 'pino';
import { formatTime, type JsonObject, type Log } from '../contract/index.ts';
import { RotatingFile } from './rotating-file.ts';

export interface AgentLog extends Log {
  child(fields: { logger: string }): AgentLog;
  /** Everything logged so far is in its file; nothing may be logged after it. */
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

const LEVEL_NAMES: Readonly<Record<string, string>> = {
  trace: 'DEBUG',
  debug: 'DEBUG',
  info: 'INFO',
  warn: 'WARNING',
  error: 'ERROR',
  fatal: 'CRITICAL',
};
const COLOURS: Readonly<Record<string, (text: string) => string>> = {
  DEBUG: pc.dim,
  INFO: pc.green,
  WARNING: pc.yellow,
  ERROR: pc.red,
  CRITICAL: pc.red,
};

/** The agent's own log: one JSON object a line, in the format that the `json-logs` source reads. */
export function createLog(options: LogOptions): AgentLog {
  const file =
    options.file === undefined
      ? undefined
      : new RotatingFile({
          path: options.file,
          maxSize: options.maxSize ?? 10 * 1024 * 1024,
          generations: options.generations ?? 5,
          trouble: (message) => void process.stderr.write(`cauce: ${message ?? 'the log file is written again'}\n`),
        });
  const destination = {
    write(line: string): void {
      file?.write(line);
      if (options.console === 'json') process.stderr.write(line);
      if (options.console === 'pretty') process.stderr.write(readable(JSON.parse(line) as JsonObject));
    },
  };
  const logger = pino(
    {
      level: options.level,
      base: { process_id: process.pid },
      messageKey: 'message',
      timestamp: () => `,"timestamp":"${formatTime(Date.now() * 1000)}"`,
      formatters: { level: (label) => ({ level: LEVEL_NAMES[label] ?? label }) },
    },
    destination,
  );
  return named(logger, 'cauce', async () => file?.close());
}

/** Children are made from the root, since pino would write the name of each ancestor as well. */
function named(root: pino.Logger, name: string, close: () => Promise<void>): AgentLog {
  const logger = root.child({ logger: name });
  return {
    debug: (text, fields = {}) => logger.debug(fields, text),
    info: (text, fields = {}) => logger.info(fields, text),
    warn: (text, fields = {}) => logger.warn(fields, text),
    error: (text, fields = {}) => logger.error(fields, text),
    child: (fields) => named(root, fields.logger, close),
    close,
  };
}

function readable(line: JsonObject): string {
  const { level, timestamp, process_id: _process, logger, message, ...fields } = line;
  const name = String(level);
  const rest = Object.entries(fields).map(
    ([key, value]) => `${pc.dim(`${key}=`)}${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const colour = COLOURS[name] ?? ((text: string) => text);
  return `${[pc.dim(String(timestamp).slice(11, 23)), colour(name.padEnd(8)), pc.cyan(String(logger)), String(message), ...rest].join(' ')}\n`;
}
