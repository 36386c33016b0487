/** V3M: the profile from which its users choose a hypervisor by one word. */
import { error } from '../../vse/diagnostic.ts';
import type { Backend, GlueFile, GoldenImage } from '../backend.ts';
import { render } from '../templates.ts';
import { checkImage, disk, diskBytes, mebibytes } from './machine.ts';
import { xml } from './quote.ts';
import { PROFILE_TYPES } from './v3m-profile.ts';

/** V3M takes absolute paths alone. */
const FOLDER = '/var/lib/v3m';
/** A profile has nic1 and nic2. */
const MOST_NICS = 2;

export const v3m: Backend = {
  name: 'v3m',
  summary: 'V3M profiles: one for each hypervisor that it knows',
  formats: ['raw'],
  check: (image) => {
    const found = checkImage('v3m', image, v3m.formats, v3m.emit);
    const { length } = image.machine.nics;
    if (found.length > 0 || length <= MOST_NICS) return found;
    return [
      error('BUILD433', `machine.nics has ${length}; a V3M profile has up to ${MOST_NICS}`, {
        hint: 'leave v3m out of backends, or some interfaces',
      }),
    ];
  },
  emit,
};

function emit(image: GoldenImage): readonly GlueFile[] {
  const { file } = disk(image, v3m.formats);
  return PROFILE_TYPES.map((type) => ({
    path: `${image.stem}-${type.toLowerCase()}.xml`,
    mode: 0o644,
    content: render('v3m/profile.xml.hbs', xml, {
      name: image.name,
      type,
      cpu: image.machine.vcpus,
      memory: mebibytes(image.machine.memory),
      size: mebibytes(diskBytes(image)),
      folder: FOLDER,
      image: file,
      nics: image.machine.nics.map(({ mac }, index) => ({ number: index + 1, mac: mac ?? null })),
    }),
  }));
}
