/** The layer that `vsec init` writes: short, commented, and valid as it stands. */
import { misuse } from './diagnostic.ts';
import { VSE_NAME } from './names.ts';
import { problemsOf } from './shape.ts';
import { LANGUAGE_VERSION } from './validate.ts';

/** Where a starter layer expects its schema: beside it. */
export const SCHEMA_FILE = 'vse.schema.json';

/**
 * Text of a starter layer. Throws a `VsecError` when `name` cannot be one (VSE031) or `base` cannot
 * stand in one line.
 */
export function starterLayer(name: string, base: string): string {
  const problem = problemsOf(VSE_NAME.read(name))[0];
  if (problem) throw misuse(problem.code, problem.message, { hint: problem.hint });
  if (base === '' || /[\0-\x1f\x7f]/.test(base))
    throw misuse('VSE040', 'That cannot be the name of a base', { hint: "As in 'debian-12'." });
  const extended = /^[A-Za-z0-9./][A-Za-z0-9./_-]*$/.test(base) ? base : JSON.stringify(base);
  return `# yaml-language-server: $schema=./${SCHEMA_FILE}
# The environment '${name}'. Check it with 'vsec check', look at the whole with 'vsec show'.
vse: ${LANGUAGE_VERSION}
name: ${name}
version: 0.1.0
description: What it is for, in a sentence
extends: ${extended}

# What the base does not have: packages, files, users, services …
add:
  packages:
    - tmux
    # A version can be asked for: - python3-numpy (>= 1:1.24)
  files:
    /opt/${name}/README:
      content: |
        What is installed here, and whom to ask.
  # users:
  #   me: { uid: 2000, shell: /bin/bash, ssh-keys: [ssh-ed25519 AAAA… me@desk] }

# Other values for what the base has:
# override:
#   image: { size: 6GiB }

# What the base asks for and you do not need:
# remove:
#   packages: [nano]

# What may not come in at all, whoever depends on it:
# exclude:
#   packages: [exim4-base]
`;
}
