import { basename } from 'node:path';

/** Programs that run another one, or a script, that is named behind them. */
const RUNNERS =
  /^(sh|bash|dash|ash|ksh|zsh|fish|python[\d.]*|perl|ruby|node|deno|bun|php|pwsh|env|sudo|doas|nice|ionice|chrt|timeout|setsid|stdbuf|busybox)$/;
const INLINE_CODE = /^(-[a-z]*c|-e|--eval|--command)$/;
const LOOKS_LIKE_A_PATH = /\/|\.\w+$/;

/** What answers call a command: the base name of its script, or of its program when it runs none. */
export function scriptLabel(command: readonly string[]): string {
  const [program = '', ...rest] = command;
  const own = basename(program) || program;
  if (!RUNNERS.test(own)) return own;
  const code = rest.findIndex((word) => INLINE_CODE.test(word));
  const candidates = (code < 0 ? rest : rest.slice(0, code)).filter(isWord);
  const script = candidates.find((word) => LOOKS_LIKE_A_PATH.test(word)) ?? (code < 0 ? candidates[0] : undefined);
  return (script && basename(script)) || own;
}

/** Neither an option, nor a variable, nor a further runner. */
function isWord(word: string): boolean {
  return word !== '' && !word.startsWith('-') && !/^\w+=/.test(word) && !RUNNERS.test(basename(word));
}
