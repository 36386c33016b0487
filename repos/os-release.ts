/** os-release(5): `NAME=value` lines with shell quoting. */
export function parseOsRelease(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^([A-Z0-9_]+)=(["']?)(.*)\2\s*$/.exec(line);
    if (match) fields.set(match[1] ?? '', (match[3] ?? '').replace(/\\(["$`\\])/g, '$1'));
  }
  return fields;
}
