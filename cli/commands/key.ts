import { createKey, defaultKeyFile, openSigner } from '../../repos/signing/signer.ts';
import { fingerprint, showPublicKey } from '../../repos/signing/public-key.ts';
import { defineCommand } from '../command.ts';
import { json } from '../options.ts';

export default defineCommand({
  description: `Prints the public half of the key that 'vsec publish' signs with, as a line that those
    who use your bases write into their configuration. With --new the key is made first: Ed25519,
    in OpenSSH's format, so that ssh-keygen can use it too.

    The key is FILE, else $VSEC_SIGNING_KEY, else vsec/signing-key in the configuration folder. It
    has no passphrase; who wants one names a key of ssh's with 'vsec publish --key', which may also
    be one that an agent or a token holds.`,
  arguments: [{ name: 'FILE', describe: 'the private key', optional: true, complete: 'file' }],
  options: {
    new: { kind: 'flag', describe: 'Make the key; one that is there is never overwritten' },
    json,
  },
  examples: [
    { command: 'vsec key --new', does: 'once, for whoever publishes' },
    { command: 'vsec key', does: 'what to give to those who use what you publish' },
  ],
  async run({ args: [file], options, session }) {
    const path = file ?? defaultKeyFile(session.context.env);
    const key = options.new ? await createKey(path) : (await openSigner(path, session.context)).key;
    const [line, print] = [showPublicKey(key), fingerprint(key)];
    if (options.json) session.printJson({ file: path, publicKey: line, fingerprint: print });
    else {
      session.print(line);
      session.say(`${print} in ${path}`);
    }
    return 0;
  },
});
