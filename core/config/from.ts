import { nearest } from '../contract/index.ts';
import { fillText, kindOf } from './fill.ts';
import type { Declared, Reading } from './instances.ts';
import { locate, type Tree } from './tree.ts';

/** The sources that a sink reads; `undefined` when it names none and so reads all. Complains about those that are not there. */
export function readFrom(sink: Declared, all: readonly Declared[], reading: Reading): readonly string[] | undefined {
  const { root, findings } = reading;
  const path = [...sink.path, 'from'];
  const tree = sink.tree.entries.get('from')?.value;
  if (!tree) return undefined;
  if (sink.kind === 'source') {
    findings.add(path, locate(root, path).key, 'belongs to a sink, which reads sources; a source reads none, so leave it out');
    return undefined;
  }
  const items: readonly Tree[] = tree.kind === 'list' ? tree.items : [tree];
  if (tree.kind === 'map' || items.length === 0) {
    findings.add(
      path,
      tree.at,
      `expected a list of names of sources, got ${tree.kind === 'map' ? 'a map' : 'none'}; leave it out to read all`,
    );
    return undefined;
  }
  const names = items.map((item, index) => sourceName(item, tree.kind === 'list' ? [...path, index] : path, all, reading));
  return [...new Set(names.filter((name) => name !== undefined))];
}

function sourceName(item: Tree, path: Declared['path'], all: readonly Declared[], { env, findings, root }: Reading): string | undefined {
  if (item.kind !== 'scalar' || typeof item.value !== 'string') {
    findings.add(
      path,
      item.at,
      `expected the name of a source, got ${kindOf(item.kind === 'scalar' ? item.value : item.kind === 'list' ? [] : {})}`,
    );
    return undefined;
  }
  const name = fillText(item, path, env, findings);
  // A variable that is not set leaves the name out, such as "${EXTRA:+extra}".
  if (!name || (name.text === '' && name.raw !== '')) return undefined;
  const sources = all.filter(({ kind }) => kind === 'source');
  const source = sources.find((one) => one.name === name.text);
  if (source && source.enabled !== false) return name.text;
  if (source) {
    findings.add(path, item.at, `the source ${name.raw} is disabled; enable it, or take it out of this list`);
  } else if (root.entries.has('sources')) {
    const names = sources.map((one) => one.name);
    const meant = nearest(name.text, names);
    const hint = meant ? `did you mean ${meant}?` : names.length > 0 ? `there are ${names.join(', ')}` : 'there are no sources';
    findings.add(path, item.at, `there is no source ${name.raw}; ${hint}`);
  }
  return undefined;
}
