import { type Document, isMap, isNode, isPair, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import type { ConfigIssue } from '../contract/index.ts';

export type Path = readonly (string | number)[];

/** A YAML file, and where each of its values stands. */
export class ConfigDocument {
  readonly #file: string;
  readonly #document: Document;
  readonly #lines = new LineCounter();

  constructor(file: string, text: string) {
    this.#file = file;
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, uniqueKeys: true });
  }

  /** Faults of the YAML itself, duplicate keys and keys that are no text included. */
  faults(): ConfigIssue[] {
    return [...this.#document.errors, ...this.#document.warnings].map((error) => ({
      path: '',
      message: error.message,
      ...this.#place(error.pos[0]),
    }));
  }

  /** Plain data; throws when aliases expand to too much. */
  value(): unknown {
    return this.#document.toJS({ maxAliasCount: 100 });
  }

  /** An issue at the value of `path`, or at the nearest of its parents that is there. */
  issue(path: Path, message: string): ConfigIssue {
    for (let length = path.length; length > 0; length--) {
      const node = this.#document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return { path: path.join('.'), message, ...this.#place(node.range[0]) };
      const key = this.#key(path.slice(0, length));
      if (key?.range) return { path: path.join('.'), message, ...this.#place(key.range[0]) };
    }
    return { path: path.join('.'), message, ...this.#place(this.#document.contents?.range?.[0] ?? 0) };
  }

  /** An issue at the key that ends `path`. */
  keyIssue(path: Path, message: string): ConfigIssue {
    const key = this.#key(path);
    return key?.range ? { path: path.join('.'), message, ...this.#place(key.range[0]) } : this.issue(path, message);
  }

  #key(path: Path): Node | undefined {
    const parent = path.length > 1 ? this.#document.getIn(path.slice(0, -1), true) : this.#document.contents;
    if (!isMap(parent)) return undefined;
    const pair = parent.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(path.at(-1)));
    return isNode(pair?.key) ? pair.key : undefined;
  }

  #place(offset: number) {
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.#file, line: Math.max(line, 1), column: Math.max(col, 1) };
  }
}
