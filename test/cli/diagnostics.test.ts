import { describe, expect, it } from 'vitest';
import { renderDiagnostic, toJson } from '../../cli/diagnostics.ts';
import { colors } from '../../cli/terminal.ts';
import { error, warning } from '../../vse/diagnostic.ts';

const plain = { colors: colors(false), cwd: '/home/me' };
const render = (d: ReturnType<typeof error>) => renderDiagnostic(d, plain);

describe('renderDiagnostic', () => {
  it('shows place, code, source line, caret, notes and hint', () => {
    const text = render(
      error('VSE012', "unknown key 'pakages'", {
        span: {
          file: '/home/me/cfd.yaml',
          line: 5,
          column: 3,
          endColumn: 10,
          text: '  pakages: []',
        },
        notes: [
          {
            message: 'the block starts here',
            span: { file: '/etc/vsec/site.yaml', line: 12, column: 1, text: 'add:' },
          },
        ],
        hint: "Did you mean 'packages'?",
      }),
    );
    expect(text).toBe(
      [
        "cfd.yaml:5:3: error[VSE012]: unknown key 'pakages'",
        '  5 |   pakages: []',
        '    |   ^^^^^^^',
        '  note: /etc/vsec/site.yaml:12:1: the block starts here',
        '  12 | add:',
        '     | ^',
        "  hint: Did you mean 'packages'?",
      ].join('\n'),
    );
  });

  it('points at the right place behind tabs', () => {
    const text = render(
      error('VSE001', 'no tabs', {
        span: { file: 'a.yaml', line: 1, column: 3, endColumn: 4, text: '\ta\tb' },
      }),
    );
    expect(text.split('\n').slice(1)).toEqual(['  1 |     a    b', '    |      ^^^^']);
  });

  it('cuts long lines around the caret', () => {
    const source = `${'x'.repeat(300)}HERE${'y'.repeat(300)}`;
    const [, line = '', caret = ''] = render(
      error('VSE001', 'm', {
        span: { file: 'a', line: 1, column: 301, endColumn: 305, text: source },
      }),
    ).split('\n');
    expect(line.length).toBeLessThan(120);
    expect(line.slice(caret.indexOf('^'), caret.lastIndexOf('^') + 1)).toBe('HERE');
  });

  it('lets no source line drive the terminal', () => {
    const span = { file: 'a\u001b]0;x', line: 1, column: 1, text: '\u001b[31mred' };
    expect(render(warning('VSE001', 'bad \u001b[2J', { span }))).not.toContain('\u001b');
  });

  it('does without a place', () => {
    expect(render(error('REPO001', 'no answer'))).toBe('error[REPO001]: no answer');
  });
});

it('toJson has every field that the document promises', () => {
  const span = { file: 'a.yaml', line: 2, column: 7 };
  const d = error('VSE001', 'm', { span, hint: 'h', notes: [{ message: 'n' }] });
  expect(toJson(d)).toEqual({
    ...{ code: 'VSE001', severity: 'error', message: 'm', hint: 'h' },
    ...{ file: 'a.yaml', line: 2, column: 7 },
    notes: [{ message: 'n', file: null, line: null, column: null }],
  });
});
