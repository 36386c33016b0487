/**
 * Reading V3M profiles, of both dialects. The first knew Xen alone and named an image and a network
 * card; the later one added the hypervisor's `type`, `cpu`, `memory`, further disks and a CD-ROM.
 */
import { error, VsecError } from '../../vse/diagnostic.ts';
import type { Diagnostic, Span } from '../../vse/diagnostic.ts';
import type { NicConfig } from '../../vse/types.ts';
import { readXml } from '../xml.ts';
import type { XmlElement } from '../xml.ts';

export const PROFILE_TYPES = ['Qemu', 'Kvm', 'Xen', 'XenHVM', 'VMWare'] as const;
export type ProfileType = (typeof PROFILE_TYPES)[number];

export interface V3mProfile {
  readonly name: string;
  readonly type: ProfileType;
  readonly vcpus?: number;
  /** Bytes. */
  readonly memory?: number;
  /** Path of the disk image. */
  readonly image: string;
  /** Bytes. */
  readonly disk?: number;
  readonly nics: readonly NicConfig[];
  /** What a VSE has no place for, as people call it. */
  readonly leftOut: readonly string[];
}

const MIB = 2 ** 20;
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;
const KNOWN = [
  ...['name', 'type', 'cpu', 'memory', 'image', 'virtual_disks', 'cdrom', 'nic1', 'nic2'],
];

/** Reads the text of `file`; BUILD490 to BUILD494, all that can be found, when it is no profile. */
export function readV3mProfile(text: string, file: string): V3mProfile {
  const root = readXml(text, file);
  const found: Diagnostic[] = [];
  const profile = new Reader(root, found).profile();
  if (found.length > 0 || !profile) throw new VsecError(found, 2);
  return profile;
}

class Reader {
  private readonly root: XmlElement;
  private readonly found: Diagnostic[];

  constructor(root: XmlElement, found: Diagnostic[]) {
    this.root = root;
    this.found = found;
  }

  profile(): V3mProfile | undefined {
    const { root } = this;
    if (root.name !== 'profile')
      return this.say('BUILD491', `a profile begins with <profile>, not <${root.name}>`, root.span);
    this.refuseStrangers();
    const name = this.required('name');
    const image = this.required('image');
    const vcpus = this.count('cpu', this.child('cpu')?.text);
    const memory = this.count('memory', this.child('memory')?.text);
    const disk = this.count('image/@size', this.child('image')?.attributes['size']);
    const type = this.type();
    const nics = ['nic1', 'nic2'].flatMap((card) => this.nic(card));
    const disks = this.child('virtual_disks')?.children ?? [];
    const cdrom = this.child('cdrom');
    if (name === undefined || image === undefined) return undefined;
    return {
      ...{ name, image, type, nics },
      ...(vcpus !== undefined && { vcpus }),
      ...(memory !== undefined && { memory: memory * MIB }),
      ...(disk !== undefined && { disk: disk * MIB }),
      leftOut: [
        ...disks.map((one) => `the disk ${one.attributes['id'] ?? ''} (${one.text})`),
        ...(cdrom ? [`the CD-ROM ${cdrom.text}`] : []),
      ],
    };
  }

  private child(name: string): XmlElement | undefined {
    return this.root.children.find((child) => child.name === name);
  }

  private refuseStrangers(): void {
    const seen = new Set<string>();
    for (const { name, span } of this.root.children) {
      if (!KNOWN.includes(name)) this.say('BUILD492', `a profile has no <${name}>`, span);
      else if (seen.has(name)) this.say('BUILD492', `a profile has one <${name}>`, span);
      seen.add(name);
    }
  }

  private required(name: string): string | undefined {
    const child = this.child(name);
    if (child?.text) return child.text;
    return this.say('BUILD493', `the profile has no ${name}`, child?.span ?? this.root.span);
  }

  private type(): ProfileType {
    const child = this.child('type');
    // The first dialect has none: it knew Xen.
    if (!child) return 'Xen';
    const type = PROFILE_TYPES.find((one) => one.toLowerCase() === child.text.toLowerCase());
    if (!type)
      this.say(
        'BUILD494',
        `there is no type ${JSON.stringify(child.text)}`,
        child.span,
        `one of ${PROFILE_TYPES.join(', ')}`,
      );
    return type ?? 'Xen';
  }

  private count(name: string, text: string | undefined): number | undefined {
    if (text === undefined) return undefined;
    const number = /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
    if (number !== undefined) return number;
    const element = this.child(name.split('/')[0] ?? '') ?? this.root;
    const unit = name === 'cpu' ? '' : ' of MB';
    return this.say(
      'BUILD494',
      `${name} is ${JSON.stringify(text)}, not a number${unit}`,
      element.span,
    );
  }

  private nic(name: string): readonly NicConfig[] {
    const card = this.child(name);
    if (!card) return [];
    const mac = card.children.find((child) => child.name === 'mac');
    if (!mac?.text) return [{}];
    const first = Number.parseInt(mac.text, 16);
    if (!MAC.test(mac.text) || first % 2 === 1)
      this.say(
        'BUILD494',
        `${name}: ${JSON.stringify(mac.text)} is not the address of a card`,
        mac.span,
        'six bytes in hexadecimal, of which the first is even (not 01 or FF)',
      );
    return [{ mac: mac.text.toLowerCase() }];
  }

  private say(code: string, message: string, span: Span, hint?: string): undefined {
    this.found.push(error(code, message, { span, hint }));
    return undefined;
  }
}
