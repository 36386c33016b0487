/** In what order a person reads what was found. */
import { expect, test } from 'vitest';
import { Findings } from '../../vse/findings.ts';

test('file by file, each from top to bottom; what has no place is with its like', () => {
  const findings = new Findings();
  const at = (file: string, line: number, column: number) => ({ span: { file, line, column } });
  findings.error('VSE020', 'a7', at('a.yaml', 7, 3));
  findings.warning('VSE020', 'b1', at('b.yaml', 1, 1));
  findings.error('VSE021', 'a7 too', at('a.yaml', 7, 3));
  findings.error('VSE001', 'nowhere');
  findings.error('VSE020', 'a7 left', at('a.yaml', 7, 1));
  findings.error('VSE020', 'a2', at('a.yaml', 2, 9));
  const told = findings.list.map(({ message }) => message);
  expect(told).toEqual(['a2', 'a7 left', 'a7', 'a7 too', 'b1', 'nowhere']);
});
