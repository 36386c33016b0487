/** The last step of an assembly: from installed packages to a finished, generic tree. */
import type { Inside } from '../sandbox/inside.ts';
import { failure } from '../../vse/diagnostic.ts';
import { lastLines } from '../sandbox/programs.ts';
import { Accounts } from './accounts.ts';
import {
  addGuestServices,
  exportKernel,
  findKernel,
  makeInitrd,
  writeBootConfiguration,
} from './bootable.ts';
import type { Kernel } from './bootable.ts';
import { writeFiles } from './files.ts';
import { sortInfoMenu } from './info-menu.ts';
import { setLocale } from './locale.ts';
import { makeGeneric } from './generic.ts';
import { exportHypervisor, findHypervisor } from './hypervisor.ts';
import { installKernel, withConfiguration } from './own-kernel.ts';
import type { FinishRecipe } from './recipe.ts';
import { hasSystemd, setServices } from './services.ts';
import { put, writeSystem } from './system.ts';

/** Versions, as in the names of files in /boot. */
export interface BootReleases {
  readonly kernelRelease?: string;
  readonly hypervisorRelease?: string;
}

/** Where a script of the VSE is while it runs; /run is emptied at the end. */
const SCRIPT = 'run/vse-script';

async function runScripts(inside: Inside, scripts: FinishRecipe['scripts']): Promise<void> {
  for (const name of Object.keys(scripts).sort()) {
    const script = scripts[name];
    if (!script) continue;
    // Not on standard input: a program that reads it would swallow the rest of the script.
    put(inside.root, SCRIPT, script.run, 0o700);
    const result = await inside.run(['/bin/sh', '-eu', `/${SCRIPT}`]);
    if (result.code !== 0)
      throw failure('BUILD169', `script ${name} failed (exit code ${result.code})`, {
        notes: [
          { message: `option scripts.${name}` },
          ...lastLines(result.tail, 20).map((message) => ({ message })),
        ],
        hint: 'scripts run in the finished tree as root, with `sh -eu` and no network',
      });
  }
}

/**
 * Applies a VSE's own settings to the tree that `inside` enters, makes the initrd and takes out
 * what is not generic. Copies kernel, initrd and hypervisor to the folder `bootDir` and returns
 * the releases of those that the tree has.
 */
export async function finishTree(
  inside: Inside,
  recipe: FinishRecipe,
  epoch: number,
  bootDir: string,
  step: (label: string) => void,
): Promise<BootReleases> {
  const { root } = inside;
  step('settings, users and files');
  await inside.leave();
  makeGeneric(root);
  writeSystem(root, recipe);
  const accounts = new Accounts(root, epoch);
  accounts.apply(recipe.groups, recipe.users);
  const kernel: Kernel | undefined = recipe.ownKernel
    ? await installKernel(inside, recipe.ownKernel)
    : findKernel(root, recipe);
  const hypervisor = recipe.hypervisor && findHypervisor(root, recipe.hypervisor);
  if (kernel) writeBootConfiguration(root, kernel, recipe, hypervisor);
  const written = writeFiles(root, recipe.files, accounts);
  if (recipe.locale) await setLocale(inside, recipe.locale);
  await sortInfoMenu(inside);
  step('services');
  if (kernel && hasSystemd(root)) await addGuestServices(inside);
  await setServices(inside, recipe.services);
  if (Object.keys(recipe.scripts).length > 0) step('scripts');
  await runScripts(inside, recipe.scripts);
  if (kernel && recipe.ownKernel?.initrd === undefined) {
    step('initrd');
    await withConfiguration(root, kernel, () => makeInitrd(inside, kernel, recipe));
  }
  await inside.leave();
  makeGeneric(root, written);
  if (kernel) exportKernel(root, kernel, bootDir);
  if (hypervisor) exportHypervisor(root, hypervisor, bootDir);
  return {
    ...(kernel && { kernelRelease: kernel.release }),
    ...(hypervisor && { hypervisorRelease: hypervisor.release }),
  };
}
