/** What nodes that come by the network ask of a bundle. */
import type { Diagnostic } from '../../vse/diagnostic.ts';
import { error } from '../../vse/diagnostic.ts';
import type { Backend, GoldenImage } from '../backend.ts';
import { checkImage } from '../backends/machine.ts';

/** Everything; that the bundle was built for it comes first, and alone. */
export function checkNetboot(backend: Backend, image: GoldenImage): readonly Diagnostic[] {
  const missing = [
    ...(image.kernel === undefined ? ['kernel'] : []),
    ...(image.netboot ? [] : ['netboot shim']),
    ...backend.formats.filter((format) => !image.netboot?.streams[format]),
  ];
  if (missing.length > 0)
    return [
      error('BUILD472', `${image.stem} was built without what ${backend.name} needs`, {
        notes: [{ message: `it has no ${missing.join(', no ')}` }],
        hint: `build it with --backend ${backend.name}`,
      }),
    ];
  return checkImage(backend.name, image, undefined, backend.emit);
}
