import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type YAMLError } from 'yaml';
import type { Path, Place } from './findings.ts';

/** A YAML document as plain data that knows its places. An alias stands as what it refers to. */
export type Tree = Scalar | List | Mapping;
export interface Scalar {
  readonly kind: 'scalar';
  readonly at: Place;
  readonly value: null | boolean | number | string;
}
export interface List {
  readonly kind: 'list';
  readonly at: Place;
  readonly items: readonly Tree[];
}
export interface Mapping {
  readonly kind: 'map';
  readonly at: Place;
  readonly entries: ReadonlyMap<string, { readonly key: Place; readonly value: Tree }>;
}

type Complain = (path: Path, at: Place, message: string) => void;

const START: Place = { line: 1, column: 1 };
const DEEPEST = 64;

/** Parses one YAML document. `undefined` when it cannot be read as one; why was then complained about. */
export function parseTree(text: string, complain: Complain): Tree | undefined {
  const lines = new LineCounter();
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return line > 0 ? { line, column: col } : START;
  };
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'silent' });
  const unreadable = reportErrors(document, text, place, complain);
  if (unreadable) return undefined;
  const expansion = tooManyAliases(document);
  if (expansion) {
    complain([], START, expansion);
    return undefined;
  }
  const builder = new Builder(document, place, complain);
  const tree = builder.build(document.contents, [], START);
  return builder.whole ? tree : undefined;
}

/** A duplicate key leaves the rest readable; after any other error nothing that follows can be trusted. */
function reportErrors(document: Document.Parsed, text: string, place: (offset: number) => Place, complain: Complain): boolean {
  const told = new Set<number>();
  let unreadable = false;
  for (const error of [...document.errors, ...document.warnings]) {
    const at = place(error.pos[0]);
    if (error.code !== 'DUPLICATE_KEY') unreadable = true;
    // One slip makes the parser stumble several times on the same line; a nest too deep, at every level.
    if (told.has(at.line)) continue;
    told.add(at.line);
    complain([], at, explainError(error, text));
  }
  return unreadable;
}

function explainError({ code, message, pos: [start] }: YAMLError, text: string): string {
  if (code === 'DUPLICATE_KEY') return `the key ${text.slice(start).split(/[:\n]/)[0]?.trim()} is here a second time; keep one of them`;
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here; a configuration is one document, so remove the line ---';
  if (code === 'RESOURCE_EXHAUSTION') return `nested deeper than ${DEEPEST} levels; no setting is`;
  if (code === 'UNEXPECTED_TOKEN' && text[start] === '{' && text[start - 1] === '$')
    return 'inside { } a variable needs quotes; write "${…}"';
  return message;
}

/** The library refuses documents whose aliases multiply; it does so only when it builds values. */
function tooManyAliases(document: Document.Parsed): string | undefined {
  try {
    document.toJS({ mapAsMap: true });
    return undefined;
  } catch (error) {
    // Unresolved and circular aliases are told later, with their place.
    if (error instanceof ReferenceError && error.message.includes('Excessive'))
      return 'aliases (*name) multiply too often; write the values out';
    if (error instanceof ReferenceError || error instanceof RangeError) return undefined;
    throw error;
  }
}

class Builder {
  /** Whether every value could be had; a key that is no text costs only itself. */
  whole = true;
  readonly #document: Document.Parsed;
  readonly #place: (offset: number) => Place;
  readonly #complain: Complain;
  readonly #open = new Set<unknown>();

  constructor(document: Document.Parsed, place: (offset: number) => Place, complain: Complain) {
    this.#document = document;
    this.#place = place;
    this.#complain = complain;
  }

  /** `fallback` is the place of a value that is not written at all. */
  build(node: unknown, path: Path, fallback: Place): Tree {
    const at = this.#placeOf(node) ?? fallback;
    const nothing: Scalar = { kind: 'scalar', at, value: null };
    if (path.length > DEEPEST) return this.#refuse(path.slice(0, 3), at, `nested deeper than ${DEEPEST} levels; no setting is`);
    if (isAlias(node)) {
      const target = node.resolve(this.#document);
      if (this.#open.has(target)) return this.#refuse(path, at, 'the alias refers to what it stands in');
      return target ? this.build(target, path, at) : this.#refuse(path, at, `there is no anchor &${node.source} before this alias`);
    }
    if (isScalar(node)) return this.#scalar(node.value, path, at);
    if (!isSeq(node) && !isMap(node)) return nothing;
    this.#open.add(node);
    const built: Tree = isSeq(node)
      ? { kind: 'list', at, items: node.items.map((item, index) => this.build(item, [...path, index], at)) }
      : { kind: 'map', at, entries: new Map(node.items.flatMap(({ key, value }) => this.#member(key, value, path, at))) };
    this.#open.delete(node);
    return built;
  }

  #member(key: unknown, value: unknown, path: Path, mapAt: Place): [string, { key: Place; value: Tree }][] {
    const at = this.#placeOf(key) ?? mapAt;
    if (!isScalar(key) || typeof key.value !== 'string') {
      const text = isScalar(key) ? String(key.value) : 'a list or map';
      this.#complain(path, at, `a key must be text, not ${text}${isScalar(key) ? '; put it in quotes' : ''}`);
      return [];
    }
    return [[key.value, { key: at, value: this.build(value, [...path, key.value], at) }]];
  }

  #scalar(value: unknown, path: Path, at: Place): Tree {
    if (value === null || typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string') {
      return { kind: 'scalar', at, value };
    }
    return this.#refuse(path, at, 'expected text, a number, true, false, a list or a map');
  }

  #refuse(path: Path, at: Place, message: string): Tree {
    this.whole = false;
    this.#complain(path, at, message);
    return { kind: 'scalar', at, value: null };
  }

  #placeOf(node: unknown): Place | undefined {
    const range = (node as { range?: [number, number, number] | null } | null)?.range;
    return range ? this.#place(range[0]) : undefined;
  }
}

export interface Located {
  readonly key: Place;
  readonly value: Place;
}

/** The places of a path's key and value; of what is not there, the place of the key that it would stand under. */
export function locate(root: Tree, path: Path): Located {
  let found: Located = { key: root.at, value: root.at };
  let tree: Tree = root;
  for (const step of path) {
    const member = tree.kind === 'map' ? tree.entries.get(String(step)) : undefined;
    const item = tree.kind === 'list' ? tree.items[Number(step)] : undefined;
    const next = member?.value ?? item;
    if (!next) return { key: found.key, value: found.key };
    found = { key: member?.key ?? next.at, value: next.at };
    tree = next;
  }
  return found;
}
