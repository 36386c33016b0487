/** Debian control paragraphs (deb822(5)), as in Release files and apt's `.sources` files. */

/** Field names in lower case; continuation lines joined by newlines, without their indent. */
export type Paragraph = ReadonlyMap<string, string>;

/** All paragraphs of a text. Comment lines (`#`) and lines that are no fields are passed over. */
export function parseParagraphs(text: string): Paragraph[] {
  const paragraphs: Map<string, string>[] = [];
  let current: Map<string, string> | undefined;
  let field: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    if (line.trim() === '') {
      current = field = undefined;
    } else if (/^[ \t]/.test(line)) {
      if (current && field !== undefined) {
        const before = current.get(field);
        current.set(field, before ? `${before}\n${line.trim()}` : line.trim());
      }
    } else {
      const colon = line.indexOf(':');
      if (colon <= 0) continue;
      if (!current) paragraphs.push((current = new Map()));
      field = line.slice(0, colon).toLowerCase();
      current.set(field, line.slice(colon + 1).trim());
    }
  }
  return paragraphs;
}

/** A field's words, separated by any white space. */
export const words = (value: string | undefined): string[] =>
  (value ?? '').split(/\s+/).filter((word) => word !== '');
