import { closeSync, existsSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

export interface RotatingFileOptions {
  readonly path: string;
  /** Bytes after which a generation is closed. */
  readonly maxSize: number;
  /** How many old generations stay: `.1` is the newest. */
  readonly generations: number;
  /** Told once per failure in a row, and once when it works again. */
  trouble(message: string | undefined): void;
}

/** Appends whole lines, and rotates by rename before a line that would not fit. A file that cannot be written stops nobody. */
export class RotatingFile {
  readonly #options: RotatingFileOptions;
  #descriptor: number | undefined;
  #size = 0;
  #failing = false;

  constructor(options: RotatingFileOptions) {
    this.#options = options;
  }

  write(line: string): void {
    const bytes = Buffer.from(line, 'utf8');
    try {
      if (this.#size > 0 && this.#size + bytes.length > this.#options.maxSize) this.#rotate();
      const descriptor = this.#open();
      writeWhole(descriptor, bytes);
      this.#size += bytes.length;
      if (this.#failing) this.#options.trouble(undefined);
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#options.trouble(`the log file ${this.#options.path} cannot be written: ${(error as Error).message}`);
      this.#failing = true;
      this.close();
    }
  }

  close(): void {
    const descriptor = this.#descriptor;
    this.#descriptor = undefined;
    this.#size = 0;
    if (descriptor !== undefined) closeSync(descriptor);
  }

  #open(): number {
    if (this.#descriptor !== undefined) return this.#descriptor;
    const { path } = this.#options;
    mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
    this.#descriptor = openSync(path, 'a', 0o640);
    this.#size = fstatSync(this.#descriptor).size;
    return this.#descriptor;
  }

  #rotate(): void {
    const { path, generations } = this.#options;
    this.close();
    for (let at = generations - 1; at >= 1; at--) {
      if (existsSync(`${path}.${at}`)) renameSync(`${path}.${at}`, `${path}.${at + 1}`);
    }
    if (generations > 0 && existsSync(path)) renameSync(path, `${path}.1`);
  }
}

function writeWhole(descriptor: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
}
