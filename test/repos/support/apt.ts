/** The host's apt as a judge, on folders and indexes of its own: it changes nothing on the host. */
import { execFile } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PackagesFile } from '../../../repos/deb/load-indexes.ts';
import type { PackageInfo } from '../../../repos/universe.ts';

const run = promisify(execFile);
/** Never asked: the indexes are there already. */
const ADDRESS = 'mirror.example';

/** `name=version`, sorted. */
export type Selection = readonly string[];

export class Apt {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** @param packages verified indexes, in the order of the description's repositories */
  static async on(folder: string, packages: readonly PackagesFile[]): Promise<Apt> {
    const lists = join(folder, 'lists');
    for (const part of ['lists/partial', 'cache/archives/partial', 'etc/preferences.d'])
      await mkdir(join(folder, part), { recursive: true });
    const lines: string[] = [];
    for (const { repository, suite, component, architecture, path } of packages) {
      lines.push(`deb [trusted=yes] http://${ADDRESS}/${repository} ${suite} ${component}`);
      const name = [ADDRESS, repository, 'dists', suite, component, `binary-${architecture}`];
      await symlink(path, join(lists, `${name.join('_')}_Packages`));
    }
    await writeFile(join(folder, 'etc/sources.list'), `${lines.join('\n')}\n`);
    await writeFile(join(folder, 'status'), '');
    const settings = {
      'Dir::State': folder,
      'Dir::State::status': join(folder, 'status'),
      'Dir::Cache': join(folder, 'cache'),
      'Dir::Etc': join(folder, 'etc'),
      'APT::Architecture': 'amd64',
      'APT::Architectures': 'amd64',
      'Acquire::Languages': 'none',
    };
    const lined = Object.entries(settings).map(([key, value]) => `${key} "${value}";\n`);
    await writeFile(join(folder, 'apt.conf'), `#clear APT::Architectures;\n${lined.join('')}`);
    const apt = new Apt(folder);
    await apt.#run('apt-cache', 'gencaches');
    return apt;
  }

  /** What would be installed where nothing is; undefined when apt finds no way. */
  async install(names: readonly string[]): Promise<Selection | undefined> {
    let output: string;
    try {
      output = await this.#run('apt-get', '-s', '--no-install-recommends', 'install', ...names);
    } catch {
      return undefined;
    }
    const installed = output.matchAll(/^Inst ([^\s:]+)\S* \((\S+) /gm);
    return Array.from(installed, ([, name, version]) => `${name}=${version}`).sort();
  }

  /** What apt says of a system that has exactly these packages; empty when all is well. */
  async complaintsAbout(stanzas: readonly string[]): Promise<string> {
    const status = join(this.#folder, 'status-to-check');
    const installed = stanzas.map((stanza) => `${stanza}\nStatus: install ok installed\n`);
    await writeFile(status, installed.join('\n'), 'latin1');
    const empty = join(this.#folder, 'no-lists');
    await mkdir(join(empty, 'partial'), { recursive: true });
    const options = [`Dir::State::status=${status}`, `Dir::State::lists=${empty}`, 'Dir::Cache='];
    try {
      await this.#run('apt-get', ...options.flatMap((option) => ['-o', option]), 'check');
      return '';
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      return stdout + stderr;
    }
  }

  async #run(program: string, ...args: readonly string[]): Promise<string> {
    const env = { ...process.env, LC_ALL: 'C', APT_CONFIG: join(this.#folder, 'apt.conf') };
    const { stdout } = await run(program, ['-q', ...args], { env, maxBuffer: 1 << 28 });
    return stdout;
  }
}

export const selectionOf = (packages: readonly PackageInfo[]): Selection =>
  packages.map(({ name, version }) => `${name}=${version}`).sort();
