/** Account files as Debian's base-passwd leaves them, as far as the tests look at them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { UserConfig } from '../../../vse/types.ts';

export function put(root: string, path: string, content = '', mode?: number): void {
  const host = join(root, path);
  mkdirSync(dirname(host), { recursive: true });
  writeFileSync(host, content, mode === undefined ? {} : { mode });
}

export function writeAccounts(root: string): void {
  const users = [
    'root:x:0:0:root:/root:/bin/bash',
    'daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin',
    'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
  ];
  const groups = ['root:x:0:', 'daemon:x:1:', 'shadow:x:42:', 'users:x:100:', 'nogroup:x:65534:'];
  put(root, 'etc/passwd', `${users.join('\n')}\n`);
  put(root, 'etc/group', `${groups.join('\n')}\n`);
  put(root, 'etc/shadow', 'root:*:19000:0:99999:7:::\nnobody:*:19000:0:99999:7:::\n', 0o640);
  put(root, 'etc/gshadow', groups.map((line) => `${line.split(':')[0]}:*::\n`).join(''), 0o640);
  mkdirSync(join(root, 'root'));
}

export const user = (config: Partial<UserConfig> = {}): UserConfig => ({
  groups: [],
  sshKeys: [],
  ...config,
});
