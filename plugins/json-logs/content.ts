import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { Inflater } from './inflate.ts';

const RAW_HEAD = 4096;

/** What identifies an open file of a file system for as long as it is there. */
interface RawFacts {
  readonly key: string;
  readonly size: number;
}

/** The CRC-32 of a file's first bytes as they lie on the disk. */
export interface RawGuard {
  readonly length: number;
  readonly crc: number;
}

/** The bytes of a generation, decompressed where need be. Not for concurrent use. */
export interface Content {
  readonly compressed: boolean;
  /** Up to `length` bytes from `position`; fewer only when the end that is there now was met. */
  read(position: number, length: number): Promise<Buffer>;
  /** What made the end that was met another than the real one (a damaged or unfinished gzip file). */
  readonly fault: string | undefined;
  /** Facts of the open file itself, whatever its name is by now. */
  facts(): Promise<RawFacts>;
  /** Whether the file's head still is what it was. */
  holds(guard: RawGuard): Promise<boolean>;
  /** What {@link intact} compares with. */
  guard: RawGuard | undefined;
  /** Whether what was read before this call was of the generation that was opened: its head is still there. */
  intact(): Promise<boolean>;
  readRaw(position: number, length: number): Promise<Buffer>;
  close(): Promise<void>;
}

export async function openContent(path: string): Promise<Content> {
  const handle = await open(path, 'r');
  try {
    const raw = new RawFile(handle);
    const magic = await raw.readRaw(0, 2);
    return magic.length === 2 && magic[0] === 0x1f && magic[1] === 0x8b ? new GzipContent(raw) : new PlainContent(raw);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The guard of a file's present head, no longer than `length`. */
export async function rawGuard(content: Content, length: number = RAW_HEAD): Promise<RawGuard> {
  const head = await content.readRaw(0, Math.min(length, RAW_HEAD));
  return { length: head.length, crc: crc32(head) };
}

class RawFile {
  readonly #handle: FileHandle;
  #closed = false;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async readRaw(position: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafeSlow(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await this.#handle.read(buffer, filled, length - filled, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  }

  async facts(): Promise<RawFacts> {
    const stat = await this.#handle.stat({ bigint: true });
    return { key: `${stat.dev}:${stat.ino}`, size: Number(stat.size) };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#handle.close();
  }
}

class PlainContent implements Content {
  readonly compressed: boolean = false;
  guard: RawGuard | undefined;
  protected readonly raw: RawFile;

  constructor(raw: RawFile) {
    this.raw = raw;
  }

  get fault(): string | undefined {
    return undefined;
  }

  read(position: number, length: number): Promise<Buffer> {
    return this.raw.readRaw(position, length);
  }

  readRaw(position: number, length: number): Promise<Buffer> {
    return this.raw.readRaw(position, length);
  }

  facts(): Promise<RawFacts> {
    return this.raw.facts();
  }

  async holds(guard: RawGuard): Promise<boolean> {
    const now = await rawGuard(this, guard.length);
    return now.length === guard.length && now.crc === guard.crc;
  }

  async intact(): Promise<boolean> {
    return this.guard === undefined || this.holds(this.guard);
  }

  close(): Promise<void> {
    return this.raw.close();
  }
}

/** Inflates forwards; going back starts anew, so read in ascending order. */
class GzipContent extends PlainContent {
  override readonly compressed = true;
  #inflater: Inflater | undefined;

  override get fault(): string | undefined {
    return this.#inflater?.fault;
  }

  override read(position: number, length: number): Promise<Buffer> {
    if (!this.#inflater || position < this.#inflater.start) {
      this.#inflater?.close();
      this.#inflater = new Inflater((at, size) => this.raw.readRaw(at, size));
    }
    return this.#inflater.read(position, length);
  }

  override async close(): Promise<void> {
    this.#inflater?.close();
    await this.raw.close();
  }
}
