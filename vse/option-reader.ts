/** Reads merged options with the types that the definition has made sure of. */
import { Cell } from './cells.ts';
import type { Value } from './shape.ts';

const NONE = new Cell();

export class OptionReader {
  readonly #cell: Cell;

  constructor(cell: Cell) {
    this.#cell = cell;
  }

  at(...path: string[]): OptionReader {
    return new OptionReader(this.#cell.at(path) ?? NONE);
  }

  has(...path: string[]): boolean {
    return this.#cell.at(path) !== undefined;
  }

  value(...path: string[]): Value | undefined {
    const content = this.#cell.at(path)?.held?.content;
    return content?.type === 'value' ? content.value : undefined;
  }

  text(...path: string[]): string | undefined {
    const value = this.value(...path);
    return typeof value === 'string' ? value : undefined;
  }

  /** The elements of a set, sorted: what has no order must not depend on who came first. */
  set(...path: string[]): readonly string[] {
    return [...(this.#cell.at(path)?.children.keys() ?? [])].sort();
  }

  /** A record by sorted names. */
  record<T>(key: string, entry: (at: OptionReader) => T): Readonly<Record<string, T>> {
    const cell = this.#cell.at([key]) ?? NONE;
    const names = [...cell.children.keys()].sort();
    return Object.fromEntries(
      names.map((name) => [name, entry(new OptionReader(cell.children.get(name)!))]),
    );
  }

  /** Those of the named texts that are given: `{passwordHash: 'password-hash'}`. */
  texts<K extends string>(keys: Readonly<Record<K, string>>): { readonly [P in K]?: string } {
    return this.#pick(keys, (key) => this.text(key));
  }

  numbers<K extends string>(keys: Readonly<Record<K, string>>): { readonly [P in K]?: number } {
    return this.#pick(keys, (key) => {
      const value = this.value(key);
      return typeof value === 'number' ? value : undefined;
    });
  }

  #pick<K extends string, T>(
    keys: Readonly<Record<K, string>>,
    read: (key: string) => T | undefined,
  ): { readonly [P in K]?: T } {
    const picked: { [P in K]?: T } = {};
    for (const name in keys) {
      const value = read(keys[name]);
      if (value !== undefined) picked[name] = value;
    }
    return picked;
  }
}
