/** SARIF, judged by the published type definitions of the format. */
import type { Log } from 'sarif';
import { expect, it } from 'vitest';
import { toSarif } from '../../cli/sarif.ts';
import { error, warning } from '../../vse/diagnostic.ts';

const span = { file: 'my env.yaml', line: 3, column: 5, endColumn: 9, text: '    nano' };
const site = { file: 'oci://registry.example/site/base:1/site.yaml', line: 1, column: 1 };

const log: Log = toSarif(
  [
    error('VSE053', 'protected', {
      span,
      notes: [{ message: 'here', span: site }, { message: 'by the site' }],
      hint: 'ask them',
    }),
    warning('VSE046', 'same name', { span: { ...span, file: '/elsewhere/b.yaml' } }),
    error('VSE053', 'again', { span }),
    error('VSE001', 'nowhere'),
  ],
  '0.1.0',
  '/home/me',
);

it('is one run of one tool, whose rules the results name', () => {
  expect([log.version, log.runs.length]).toEqual(['2.1.0', 1]);
  const { tool, results = [] } = log.runs[0]!;
  expect(tool.driver).toMatchObject({ name: 'vsec', version: '0.1.0' });
  const rules = tool.driver.rules?.map(({ id }) => id) ?? [];
  expect(rules).toEqual(['VSE001', 'VSE046', 'VSE053']);
  for (const { ruleId, ruleIndex } of results) expect(rules[ruleIndex ?? -1]).toBe(ruleId);
  expect(results.map(({ level }) => level)).toEqual(['error', 'warning', 'error', 'error']);
});

it('has places that a code host finds', () => {
  const [first, second, , last] = log.runs[0]!.results!;
  expect(first?.locations?.[0]?.physicalLocation).toEqual({
    artifactLocation: { uri: 'my%20env.yaml', uriBaseId: 'CWD' },
    region: { startLine: 3, startColumn: 5, endColumn: 9, snippet: { text: '    nano' } },
  });
  expect(log.runs[0]!.originalUriBaseIds).toEqual({ CWD: { uri: 'file:///home/me/' } });
  expect(second?.locations?.[0]?.physicalLocation?.artifactLocation?.uri).toBe(
    'file:///elsewhere/b.yaml',
  );
  expect(last?.locations).toBeUndefined();
});

it('tells notes with a place as related locations, and all else in the message', () => {
  const [first] = log.runs[0]!.results!;
  expect(first?.message.text).toBe('protected\nby the site\nask them');
  expect(first?.relatedLocations?.[0]).toMatchObject({
    message: { text: 'here' },
    physicalLocation: { artifactLocation: { uri: site.file } },
  });
});
