/** States of systemd units, set by the tree's own systemctl. */
import { failure } from '../../vse/diagnostic.ts';
import type { ServiceState } from '../../vse/types.ts';
import type { Inside } from '../sandbox/inside.ts';
import { lastLines } from '../sandbox/programs.ts';
import { has } from './system.ts';

const VERBS: Readonly<Record<ServiceState, string>> = {
  enabled: 'enable',
  disabled: 'disable',
  masked: 'mask',
};

export const hasSystemd = (root: string): boolean => has(root, 'usr/bin/systemctl');

/** Applies the states in the order of the units' names; an unknown unit is an error. */
export async function setServices(
  inside: Inside,
  services: Readonly<Record<string, ServiceState>>,
): Promise<void> {
  const units = Object.keys(services).sort();
  if (units.length === 0) return;
  if (!hasSystemd(inside.root))
    throw failure('BUILD167', `services need systemd, which is not in the image`, {
      notes: units.map((unit) => ({ message: `option services.${unit}` })),
      hint: 'add the package systemd-sysv, or extend a base that has it',
    });
  for (const unit of units) {
    const state = services[unit] as ServiceState;
    const result = await inside.run(['/usr/bin/systemctl', '--quiet', VERBS[state], '--', unit]);
    if (result.code !== 0)
      throw failure('BUILD168', `service ${unit} cannot be ${state}`, {
        notes: [
          { message: `option services.${unit}` },
          ...lastLines(result.tail, 5).map((message) => ({ message })),
        ],
        hint: 'is the package that ships the unit in the image? names end in .service, .timer, …',
      });
  }
}
