/** A text with its variables filled in. */
export interface Interpolated {
  readonly text: string;
  /** The text was one `${…}` and nothing else: it may stand for a number or a boolean, since the environment knows text only. */
  readonly whole: boolean;
  /** What the environment contributed; never shown. */
  readonly secrets: readonly string[];
  /** What is wrong, and how to mend it. */
  readonly faults: readonly string[];
}

const VARIABLE = /\$\$\{|\$\{([^}]*)(\}?)/g;
const EXPRESSION = /^([A-Za-z_][A-Za-z0-9_]*)(?::([-+])(.*))?$/s;

/**
 * Fills in `${NAME}`, `${NAME:-default}` (when the variable is unset or empty) and `${NAME:+word}` (`word` when it is neither,
 * else nothing); `$${` is a literal `${`. What is filled in is not looked at again.
 */
export function interpolate(written: string, env: NodeJS.ProcessEnv): Interpolated {
  const secrets: string[] = [];
  const faults: string[] = [];
  const text = written.replace(VARIABLE, (token: string, inner: string | undefined, end: string) => {
    if (inner === undefined) return '${';
    const match = end === '' || inner.includes('${') ? null : EXPRESSION.exec(inner);
    if (!match) {
      faults.push(`${token} names no variable; write \${NAME}, \${NAME:-default} or \${NAME:+word}, and $\${ for a literal \${`);
      return token;
    }
    const [, name = '', operator, word = ''] = match;
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (operator === '+') return value ? word : '';
    if (operator === '-' && !value) return word;
    if (value === undefined) {
      faults.push(`the variable ${name} is not set; set it, or give it a default: \${${name}:-…}`);
      return token;
    }
    if (value !== '') secrets.push(value);
    return value;
  });
  return { text, whole: /^\$\{[^}]*\}$/.test(written), secrets, faults };
}
