/** The first bytes of a stream. What exceeds them is counted, and left out. */
export class Head {
  readonly #limit: number;
  readonly #chunks: Buffer[] = [];
  #kept = 0;
  #seen = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(chunk: Buffer): void {
    this.#seen += chunk.length;
    const fitting = chunk.subarray(0, this.#limit - this.#kept);
    if (fitting.length === 0) return;
    this.#chunks.push(fitting);
    this.#kept += fitting.length;
  }

  get seen(): number {
    return this.#seen;
  }

  get cut(): boolean {
    return this.#seen > this.#kept;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

/** The last bytes of a stream. */
export class Tail {
  readonly #limit: number;
  readonly #chunks: Buffer[] = [];
  #kept = 0;
  #seen = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(chunk: Buffer): void {
    this.#seen += chunk.length;
    this.#kept += chunk.length;
    this.#chunks.push(chunk);
    for (let first = this.#chunks[0]; first && this.#kept - first.length >= this.#limit; first = this.#chunks[0]) {
      this.#kept -= first.length;
      this.#chunks.shift();
    }
  }

  get seen(): number {
    return this.#seen;
  }

  text(): string {
    return new TextDecoder().decode(Buffer.concat(this.#chunks).subarray(-this.#limit));
  }
}
