// What the figures look like to people.

const right = (value, digits, width) => value.toFixed(digits).padStart(width);

/** Medians by the name of the work, with ratios to mmdebstrap's time where it ran. */
export function printTable(medians) {
  const base = medians.mmdebstrap?.wall;
  console.log(
    `${'work'.padEnd(48)} ${'wall s'.padStart(8)} ${'CPU s'.padStart(8)} ${'peak MB'.padStart(8)} ${'written MB'.padStart(11)} ${'ratio'.padStart(7)}`,
  );
  for (const [name, { wall, cpu, peak, written }] of Object.entries(medians))
    console.log(
      [
        name.padEnd(48),
        right(wall, 2, 8),
        right(cpu, 2, 8),
        right(peak, 0, 8),
        right(written / 1e6, 0, 11),
        (base ? (wall / base).toFixed(3) : '').padStart(7),
      ].join(' '),
    );
}

/** Growth with the number of packages, of cold builds to a tar. */
export function printScale(scale) {
  console.log(
    `\n${'packages'.padStart(8)} ${'GB'.padStart(6)} ${'wall s'.padStart(8)} ${'CPU s'.padStart(8)} ${'peak MB'.padStart(8)} ${'ms/package'.padStart(11)} ${'s/GB'.padStart(7)}`,
  );
  for (const { packages, bytes, wall, cpu, peak } of scale)
    console.log(
      [
        right(packages, 0, 8),
        right(bytes / 1e9, 2, 6),
        right(wall, 2, 8),
        right(cpu, 2, 8),
        right(peak, 0, 8),
        right((wall / packages) * 1000, 1, 11),
        right(wall / (bytes / 1e9), 1, 7),
      ].join(' '),
    );
}
