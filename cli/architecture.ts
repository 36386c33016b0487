/** Architectures on the command line. */
import { misuse } from '../vse/diagnostic.ts';
import type { TextOption } from './command.ts';

/** Of the commands that look at one architecture of several. */
export const arch: TextOption = {
  kind: 'text',
  placeholder: 'ARCH',
  describe: "Another architecture than the environment's own",
};

/** @throws CLI004 what no distribution would call an architecture */
export function architectureName(text: string): string {
  if (/^[a-z0-9][a-z0-9-]*$/.test(text) && !['all', 'any', 'source'].includes(text)) return text;
  throw misuse('CLI004', `--arch: '${text}' is no architecture`, {
    hint: "Write its name in the distribution, such as 'arm64'.",
  });
}
