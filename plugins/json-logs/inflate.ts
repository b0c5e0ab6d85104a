import { createGunzip, type Gunzip } from 'node:zlib';

/** Bytes of input at once. After an error the piece it was in is taken in smaller steps, since zlib drops what it made of it. */
const STEPS = [64 * 1024, 512, 1];

/**
 * A window that moves forwards over the decompressed bytes of a gzip file. Input goes in one piece at a time and every
 * byte of output is taken at once, so that all that stands before a damaged place is had, and memory stays bounded (a
 * piece of input inflates to 64 MiB at the very most, to about 1 MiB as a rule).
 */
export class Inflater {
  /** The decompressed offset of the first byte that is still held. */
  start = 0;
  fault: string | undefined;
  readonly #source: (position: number, length: number) => Promise<Buffer>;
  #gunzip: Gunzip;
  #chunks: Buffer[] = [];
  #end = 0;
  #wanted = 0;
  #finished = false;
  #wake: () => void = () => undefined;
  /** Compressed bytes that were taken, and decompressed ones that were made, since the last start. */
  #taken = 0;
  #made = 0;
  #step = 0;
  /** Where the piece of input begins in which an error was met. */
  #suspect = Number.POSITIVE_INFINITY;
  #pieceAt = 0;

  constructor(source: (position: number, length: number) => Promise<Buffer>) {
    this.#source = source;
    this.#gunzip = this.#begin();
  }

  async read(position: number, length: number): Promise<Buffer> {
    this.#wanted = position;
    this.#drop();
    while (this.#end < position + length && !this.#finished) await this.#feed();
    const window = Buffer.concat(this.#chunks);
    const from = Math.max(0, position - this.start);
    return window.subarray(Math.min(window.length, from), Math.min(window.length, from + length));
  }

  close(): void {
    this.#finished = true;
    this.#chunks = [];
    this.#gunzip.close();
    this.#wake();
  }

  #begin(): Gunzip {
    this.#taken = 0;
    this.#made = 0;
    const gunzip = createGunzip({ chunkSize: 64 * 1024 });
    // A stream drops what it holds for its reader when it fails; output must not wait there.
    gunzip.push = (chunk: Buffer | null) => {
      if (chunk) this.#keep(chunk);
      else this.#finish();
      return true;
    };
    return gunzip.on('error', (error) => this.#failed(error));
  }

  async #feed(): Promise<void> {
    const safe = this.#step > 0 && this.#taken < this.#suspect;
    const size = safe ? Math.min(STEPS[0] as number, this.#suspect - this.#taken) : (STEPS[this.#step] as number);
    const input = await this.#source(this.#taken, size);
    if (this.#finished) return;
    this.#pieceAt = this.#taken;
    this.#taken += input.length;
    // Bytes behind the end of the stream that are no further member make it end without a word to the writer.
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (input.length > 0) this.#gunzip.write(input, () => resolve());
      else this.#gunzip.end();
    });
  }

  #failed(error: Error): void {
    const unfinished = (error as NodeJS.ErrnoException).code === 'Z_BUF_ERROR';
    if (this.#finished || unfinished || this.#step === STEPS.length - 1) {
      if (!this.#finished) this.fault = error.message;
      this.#finish();
      return;
    }
    this.#suspect = this.#pieceAt;
    this.#step++;
    this.#gunzip.close();
    this.#gunzip = this.#begin();
    this.#wake();
  }

  #keep(chunk: Buffer): void {
    const known = Math.min(chunk.length, Math.max(0, this.#end - this.#made));
    this.#made += chunk.length;
    if (known === chunk.length) return;
    this.#end = this.#made;
    this.#chunks.push(chunk.subarray(known));
    this.#drop();
  }

  #drop(): void {
    let first = 0;
    for (let chunk = this.#chunks[0]; chunk && this.start + chunk.length <= this.#wanted; chunk = this.#chunks[first]) {
      this.start += chunk.length;
      first++;
    }
    if (first > 0) this.#chunks.splice(0, first);
  }

  #finish(): void {
    this.#finished = true;
    this.#wake();
  }
}
