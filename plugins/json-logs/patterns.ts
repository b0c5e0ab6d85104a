import { access, constants, stat } from 'node:fs/promises';
import path from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';

/** `.1`, `.2.gz`, `-20250101`, `-20250101-1735689600.gz`, `.2025-01-01_00`: what rotation puts behind a name. */
const ROTATION = /(?:[.-]\d[\dT_.:-]*)?(?:\.gz)?$/i;
const COMMA = /,(?![^{]*\})/;

/** One text with commas is several patterns; a comma in braces belongs to the pattern. */
export function splitPatterns(paths: readonly string[]): string[] {
  const all = paths.flatMap((text) => text.split(COMMA)).map((text) => text.trim());
  return [...new Set(all.filter((text) => text !== '').map((text) => path.resolve(text)))];
}

/** The file's name without what rotation put behind it. */
export function stemOf(file: string): string {
  const base = path.basename(file);
  return base.replace(ROTATION, '') || base;
}

/** Whether rotation has put something behind the name, so that nobody is expected to write into it any more. */
export function isRotated(file: string): boolean {
  return stemOf(file) !== path.basename(file);
}

/** Every file that matches a pattern, or is a rotated generation of one that would. Sorted. */
export async function matchingFiles(patterns: readonly string[], signal: AbortSignal): Promise<string[]> {
  const found = new Set<string>();
  for (const pattern of patterns) {
    const literal = isDynamicPattern(pattern) ? await exists(pattern) : false;
    const stem = literal ? pattern.replace(/[\\()[\]{}*?!+@]/g, '\\$&') : pattern;
    const wanted = [stem, `${stem}.[0-9]*`, `${stem}-[0-9]*`, `${stem}.gz`];
    const cwd = literal ? path.dirname(pattern) : staticFolder(pattern);
    const own = new Set(await glob([stem], { cwd, absolute: true, dot: true, expandDirectories: false, signal }));
    for (const file of await glob(wanted, { cwd, absolute: true, dot: true, expandDirectories: false, signal })) {
      if (own.has(file) || isRotated(file)) found.add(path.normalize(file));
    }
  }
  return [...found].sort();
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

/** The deepest folder that no wildcard can change. */
export function staticFolder(pattern: string): string {
  let folder = path.dirname(pattern);
  while (isDynamicPattern(folder) && path.dirname(folder) !== folder) folder = path.dirname(folder);
  return folder;
}

/** The static folders of the patterns that exist, but may not be read. */
export async function forbiddenFolders(patterns: readonly string[]): Promise<string[]> {
  const folders = [...new Set(patterns.map(staticFolder))];
  const forbidden = await Promise.all(
    folders.map((folder) =>
      access(folder, constants.R_OK | constants.X_OK).then(
        () => false,
        (error: NodeJS.ErrnoException) => error.code === 'EACCES' || error.code === 'EPERM',
      ),
    ),
  );
  return folders.filter((_, index) => forbidden[index]);
}
