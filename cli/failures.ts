/** What became of a run that threw: diagnostics and an exit code for anything that can be thrown. */
import { error, VsecError, type Diagnostic } from '../vse/diagnostic.ts';
import type { ExitCode } from './command.ts';

export interface Failure {
  readonly diagnostics: readonly Diagnostic[];
  readonly exitCode: ExitCode;
  /** Present when it is a bug of ours. */
  readonly stack?: string;
}

/** System errors that say something about the machine, not about the program. */
const SYSTEM: Readonly<Record<string, { readonly message: string; readonly hint: string }>> = {
  ENOSPC: {
    message: 'no space left on the device',
    hint: "Free some, for example with 'vsec cache prune', or choose another place with --cache-dir or TMPDIR.",
  },
  EDQUOT: {
    message: 'the disk quota is used up',
    hint: "Free some, for example with 'vsec cache prune', or choose another place with --cache-dir or TMPDIR.",
  },
  EROFS: { message: 'the file system is read-only', hint: 'Choose a folder that can be written.' },
  EACCES: {
    message: 'permission denied',
    hint: "Look at the owner and mode of that path ('ls -ld' shows them).",
  },
  EPERM: {
    message: 'operation not permitted',
    hint: "'vsec doctor' tells what this machine lets vsec do.",
  },
  ENOENT: { message: 'no such file or folder', hint: 'Look at the spelling of the path.' },
  ENOTDIR: {
    message: 'a part of the path is no folder',
    hint: 'Look at the spelling of the path.',
  },
  EISDIR: { message: 'it is a folder, where a file is needed', hint: 'Name a file.' },
  EMFILE: { message: 'too many open files', hint: "Raise the limit: 'ulimit -n 4096'." },
  EIO: { message: 'input/output error', hint: 'Look at the health of the disk.' },
};

function systemFailure(thrown: NodeJS.ErrnoException): Diagnostic | undefined {
  const known = SYSTEM[thrown.code ?? ''];
  if (!known || thrown.syscall === undefined) return undefined;
  const where = thrown.path === undefined ? thrown.syscall : `${thrown.path} (${thrown.syscall})`;
  return error('CLI010', `${where}: ${known.message}`, { hint: known.hint });
}

/** Never throws, whatever was thrown. */
export function explainFailure(thrown: unknown): Failure {
  if (thrown instanceof VsecError) {
    return { diagnostics: thrown.diagnostics, exitCode: thrown.exitCode };
  }
  if (thrown instanceof Error) {
    const system = systemFailure(thrown);
    if (system) return { diagnostics: [system], exitCode: 1 };
  }
  const what = thrown instanceof Error ? thrown.message : String(thrown);
  const bug = error('CLI099', `This is a bug in vsec: ${what}`, {
    hint: "Please report it with the output of 'vsec version' and of the same command with -v.",
  });
  const stack = thrown instanceof Error ? thrown.stack : undefined;
  return { diagnostics: [bug], exitCode: 1, ...(stack !== undefined && { stack }) };
}
