/** A text with its variables filled in. */
export interface Interpolated {
  readonly text: string;
  /** The text was one `${…}` and nothing else: it may stand for a number or a boolean, since the environment knows text only. */
  readonly whole: boolean;
  /** What the environment contributed; never shown. */
  readonly secrets: readonly string[];
  readonly faults: readonly string[];
}

const TOKEN = /\$\$\{|\$\{([^}]*)\}?/g;
const EXPRESSION = /^([A-Za-z_][A-Za-z0-9_]*)(?:(:-|:\+)(.*))?$/s;

/**
 * Fills in `${VAR}`, `${VAR:-default}` (used when the variable is unset or empty) and `${VAR:+word}` (used when it is neither);
 * `$${` stands for a literal `${`.
 */
export function interpolate(source: string, env: NodeJS.ProcessEnv): Interpolated {
  const secrets: string[] = [];
  const faults: string[] = [];
  const text = source.replace(TOKEN, (token, expression: string | undefined) => {
    if (expression === undefined) return '${';
    const [, name, operator, word = ''] = (token.endsWith('}') && EXPRESSION.exec(expression)) || [];
    if (name === undefined) {
      faults.push(`${token} names no variable; write \${NAME}, \${NAME:-default} or \${NAME:+word}, and $\${ for a literal \${`);
      return '';
    }
    const given = env[name];
    if (operator === ':+') return given ? word : '';
    if (operator === ':-' && !given) return word;
    if (given === undefined) {
      faults.push(`the variable ${name} is not set; set it, or give a default: \${${name}:-…}`);
      return '';
    }
    if (given !== '') secrets.push(given);
    return given;
  });
  return { text, whole: /^\$\{[^}]*\}$/.test(source), secrets, faults };
}
