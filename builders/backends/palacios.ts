/**
 * Palacios (v3vee.org): guest configurations, and a script around its tools. Nothing that we could
 * run reads them: device classes and their children are those of Palacios's own manual.
 */
import type { Backend, GlueFile, GoldenImage } from '../backend.ts';
import { render } from '../templates.ts';
import { checkImage, disk, mebibytes } from './machine.ts';
import { shell, xml } from './quote.ts';

export const palacios: Backend = {
  name: 'palacios',
  summary: 'Palacios: guest configurations in XML, and a script with its v3_* commands',
  formats: ['raw'],
  check: (image) => checkImage('palacios', image, palacios.formats, palacios.emit),
  emit,
};

function emit(image: GoldenImage): readonly GlueFile[] {
  const { file } = disk(image, palacios.formats);
  const guest = (packed: boolean): string =>
    render('palacios/guest.xml.hbs', xml, {
      memory: mebibytes(image.machine.memory),
      cores: image.machine.vcpus,
      core: Array.from({ length: image.machine.vcpus }, (_, index) => index),
      packed,
      disk: file,
      nics: image.machine.nics.map(({ mac, bridge }, index) => ({
        index,
        mac: mac ?? null,
        bridge: bridge ?? null,
      })),
    });
  const onDisk = `${image.stem}.xml`;
  const packed = `${image.stem}-packed.xml`;
  return [
    { path: onDisk, content: guest(false), mode: 0o644 },
    { path: packed, content: guest(true), mode: 0o644 },
    {
      path: 'v3.sh',
      content: render('palacios/v3.sh.hbs', shell, {
        ...{ name: image.name, image: file, onDisk, packed },
      }),
      mode: 0o755,
    },
  ];
}
