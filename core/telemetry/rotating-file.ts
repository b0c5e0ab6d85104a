import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

export interface RotatingFileOptions {
  readonly path: string;
  /** Bytes after which a generation is closed. */
  readonly maxSize: number;
  /** How many old generations stay: `.1` is the newest. */
  readonly generations: number;
  /** Told once per failure in a row, and once (`undefined`, and how many lines are missing) when it works again. */
  trouble(message: string | undefined, missing: number): void;
}

/** Others may rename, remove or truncate the file (logrotate does); that is noticed within this time. */
const LOOK_EVERY_MS = 1000;

/**
 * Appends whole lines at once, so that nothing is lost when the process ends, and rotates by rename before a line that would not
 * fit. A file that cannot be written stops nobody: lines are dropped and counted, and each new one is another attempt.
 */
export class RotatingFile {
  readonly #options: RotatingFileOptions;
  #descriptor: number | undefined;
  #size = 0;
  #limit: number;
  #lookedAt = 0;
  #missing = 0;

  constructor(options: RotatingFileOptions) {
    this.#options = options;
    this.#limit = options.maxSize;
  }

  write(line: string): void {
    const bytes = Buffer.from(line, 'utf8');
    try {
      let descriptor = this.#open();
      if (this.#size > 0 && this.#size + bytes.length > this.#limit) {
        this.#rotate();
        descriptor = this.#open();
      }
      writeWhole(descriptor, bytes);
      this.#size += bytes.length;
    } catch (error) {
      this.close();
      if (this.#missing++ === 0)
        this.#options.trouble(`the log file ${this.#options.path} cannot be written: ${(error as Error).message}`, 0);
      return;
    }
    const missing = this.#missing;
    this.#missing = 0;
    if (missing > 0) this.#options.trouble(undefined, missing);
  }

  close(): void {
    const descriptor = this.#descriptor;
    this.#descriptor = undefined;
    if (descriptor !== undefined) closeSync(descriptor);
  }

  #open(): number {
    if (this.#descriptor !== undefined) this.#look(this.#descriptor);
    if (this.#descriptor !== undefined) return this.#descriptor;
    const { path } = this.#options;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const descriptor = openSync(path, 'a+', 0o640);
    this.#descriptor = descriptor;
    this.#lookedAt = Date.now();
    this.#size = fstatSync(descriptor).size;
    // A full disk or a kill may have left half a line, which must not swallow the next one.
    if (this.#size > 0 && !endsWithNewline(descriptor, this.#size)) this.#size += writeSync(descriptor, '\n');
    return descriptor;
  }

  /** Closes the descriptor when the path no longer leads to it. */
  #look(descriptor: number): void {
    const now = Date.now();
    if (Math.abs(now - this.#lookedAt) < LOOK_EVERY_MS) return;
    this.#lookedAt = now;
    const ours = fstatSync(descriptor);
    const there = statSync(this.#options.path, { throwIfNoEntry: false });
    if (there?.ino === ours.ino && there.dev === ours.dev) this.#size = ours.size;
    else this.close();
  }

  /** When it fails, the file grows on, and it is tried again after as many bytes. */
  #rotate(): void {
    const { path, generations, maxSize, trouble } = this.#options;
    this.close();
    try {
      for (let at = generations - 1; at >= 1; at--) {
        if (existsSync(`${path}.${at}`)) renameSync(`${path}.${at}`, `${path}.${at + 1}`);
      }
      if (generations > 0) renameSync(path, `${path}.1`);
      this.#limit = maxSize;
    } catch (error) {
      this.#limit = this.#size + maxSize;
      trouble(`the log file ${path} cannot be rotated and grows on: ${(error as Error).message}`, 0);
    }
  }
}

function writeWhole(descriptor: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
}

function endsWithNewline(descriptor: number, size: number): boolean {
  const last = Buffer.alloc(1);
  readSync(descriptor, last, 0, 1, size - 1);
  return last[0] === 0x0a;
}
