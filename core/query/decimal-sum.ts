/**
 * Adds numbers as the decimals that they were written as, so that 0.1 + 0.2 is 0.3, in whatever order they come; a database adds
 * its decimals so as well. Exact for numbers of up to 15 digits, which a double keeps.
 */
export class DecimalSum {
  #units = 0n;
  /** Digits of {@link #units} behind the point. */
  #scale = 0;

  /** `value` is finite. */
  add(value: number): void {
    const [units, scale] = decimalOf(value);
    if (scale > this.#scale) {
      this.#units *= 10n ** BigInt(scale - this.#scale);
      this.#scale = scale;
    }
    this.#units += scale < this.#scale ? units * 10n ** BigInt(this.#scale - scale) : units;
  }

  get value(): number {
    return Number(`${this.#units}e-${this.#scale}`);
  }
}

/** Units, and how many digits of them are behind the point. */
function decimalOf(value: number): readonly [bigint, number] {
  if (Number.isSafeInteger(value)) return [BigInt(value), 0];
  const [mantissa = '', exponent = '0'] = String(value).split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const scale = fraction.length - Number(exponent);
  const units = BigInt(whole + fraction);
  return scale < 0 ? [units * 10n ** BigInt(-scale), 0] : [units, scale];
}
