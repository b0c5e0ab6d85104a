import { ConfigError, type ConfigIssue } from '../contract/index.ts';

/** Lines and columns count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}
export type Path = readonly (string | number)[];

/** Everything found wrong in one file, to be told at once. */
export class Findings {
  readonly #file: string;
  readonly #issues: ConfigIssue[] = [];

  constructor(file: string) {
    this.#file = file;
  }

  add(path: Path, at: Place | undefined, message: string): void {
    this.#issues.push({ path: formatPath(path), message, file: this.#file, ...at });
  }

  /** Throws a ConfigError with all issues, sorted by line, if there are any. */
  throwIfAny(options: { cause?: unknown } = {}): void {
    if (this.#issues.length === 0) return;
    const issues = this.#issues.sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
    const count = issues.length === 1 ? '1 problem' : `${issues.length} problems`;
    throw new ConfigError(`${count} in the configuration: ${issues.map(formatIssue).join('; ')}`, { ...options, issues });
  }
}

/** One issue per line: `file:line:column  path: message`. */
export function formatIssues(error: ConfigError): string {
  return error.issues.map(formatIssue).join('\n');
}

function formatIssue({ file, line, column, path, message }: ConfigIssue): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(':');
  return `${place ? `${place}  ` : ''}${path ? `${path}: ` : ''}${message.replace(/\s*\n\s*/g, ' ')}`;
}

/** `sources.app.paths[0]`. */
function formatPath(path: Path): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : /^[\w-]+$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`))
    .join('')
    .replace(/^\./, '');
}
