const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const PARTS = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;
/** What DECIMAL(65, 30) holds. */
const MOST = { whole: 35, fraction: 30 };

/** What the conditions call numeric. */
export function isJsonNumber(text: string): boolean {
  return NUMBER.test(text);
}

/** A decimal without an exponent and without zeros that mean nothing. */
export interface PlainDecimal {
  readonly negative: boolean;
  readonly whole: string;
  readonly fraction: string;
}

/** `undefined` for a number with more digits than databases compare: 35 before the point, 30 behind it. */
export function plainDecimal(text: string): PlainDecimal | undefined {
  const [, sign, before = '', behind = '', exponent = '0'] = PARTS.exec(text) ?? [];
  const shift = Number(exponent);
  if (sign === undefined || Math.abs(shift) > 1000 || before.length + behind.length > 1000) return undefined;
  const digits = `${'0'.repeat(Math.max(0, -shift))}${before}${behind}${'0'.repeat(Math.max(0, shift))}`;
  const point = before.length + Math.max(0, -shift) + shift;
  const whole = digits.slice(0, point).replace(/^0+(?=\d)/, '') || '0';
  const fraction = digits.slice(point).replace(/0+$/, '');
  if (whole.length > MOST.whole || fraction.length > MOST.fraction) return undefined;
  return { negative: sign === '-', whole, fraction };
}
