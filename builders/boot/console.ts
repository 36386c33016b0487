/** A guest's console as text: lines without a terminal's control sequences, and their end. */
import { StringDecoder } from 'node:string_decoder';

/** How many lines are kept, and how long one may be: a guest may print without end. */
const LINES = 400;
const LONGEST = 4096;

/**
 * ECMA-48 control sequences (CSI), operating system commands (OSC), and single escapes such as the
 * terminal reset that firmware begins with.
 */
const ESCAPES =
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[ -/]*[0-Z^-~\\])/g;
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f]/g;

/** The text that a line of a terminal shows, more or less: cursor movements are dropped. */
export const plain = (text: string): string => text.replace(ESCAPES, '').replace(CONTROLS, '');

export class Console {
  private readonly decoder = new StringDecoder('utf8');
  private readonly kept: string[] = [];
  private rest = '';

  /** Takes output as it comes; returns the lines that it completed. */
  feed(chunk: Buffer): readonly string[] {
    const parts = (this.rest + this.decoder.write(chunk)).split('\n');
    this.rest = parts.pop() ?? '';
    if (this.rest.length > LONGEST) {
      parts.push(this.rest);
      this.rest = '';
    }
    const lines = parts.map((line) => plain(line.slice(0, LONGEST)).trimEnd());
    this.kept.push(...lines.slice(-LINES));
    if (this.kept.length > LINES) this.kept.splice(0, this.kept.length - LINES);
    return lines;
  }

  /** What stands on the line that is not ended yet: where prompts are. */
  get current(): string {
    return plain(this.rest).trimEnd();
  }

  /** The last `count` lines that are not empty. */
  tail(count: number): readonly string[] {
    return [...this.kept, this.current].filter((line) => line !== '').slice(-count);
  }
}
