import { printable } from './render.ts';

/** What an agent said that did not answer. */
export function refusal(status: number, text: string): string {
  try {
    const problem = JSON.parse(text) as { detail?: string; title?: string };
    return printable(problem.detail ?? problem.title ?? text);
  } catch {
    return `it answered ${status} with ${printable(text.slice(0, 200))}`;
  }
}
