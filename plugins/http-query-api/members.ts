/**
 * The members of a JSON object as key → text of the value, exactly as written: numbers keep their digits. Of a repeated key the
 * last one counts, as in `JSON.parse`. `json` is one valid object.
 */
export function membersOf(json: string): Map<string, string> {
  const members = new Map<string, string>();
  let at = skip(json, json.indexOf('{') + 1);
  while (json[at] === '"') {
    const keyEnd = endOfString(json, at);
    const key = JSON.parse(json.slice(at, keyEnd)) as string;
    const begin = skip(json, json.indexOf(':', keyEnd) + 1);
    const end = endOfValue(json, begin);
    members.set(key, json.slice(begin, end));
    at = skip(json, end);
    if (json[at] === ',') at = skip(json, at + 1);
  }
  return members;
}

function skip(json: string, from: number): number {
  let at = from;
  while (at < json.length && ' \t\r\n'.includes(json[at] as string)) at++;
  return at;
}

/** Behind the quote that ends the string which begins at `from`. */
function endOfString(json: string, from: number): number {
  let at = from + 1;
  while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
  return at + 1;
}

function endOfValue(json: string, from: number): number {
  if (json[from] === '"') return endOfString(json, from);
  let depth = 0;
  let at = from;
  while (at < json.length) {
    const char = json[at] as string;
    if (depth === 0 && ',} \t\r\n'.includes(char)) return at;
    if (char === '"') {
      at = endOfString(json, at);
      continue;
    }
    if (char === '{' || char === '[') depth++;
    if (char === '}' || char === ']') depth--;
    at++;
    if (depth === 0 && (char === '}' || char === ']')) return at;
  }
  return at;
}
