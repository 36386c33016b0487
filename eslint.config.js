/**
 * Beside the usual rules, the house's: imports go vse → repos → builders → cli, only cli/ prints
 * and reads the environment, and a file is one idea.
 */
import tseslint from 'typescript-eslint';

const ROOMS = ['vse', 'repos', 'builders', 'cli'];

/** What a room may not know: the rooms after it, and the tests. */
const forbidden = (room) => [...ROOMS.slice(ROOMS.indexOf(room) + 1), 'test', 'bench'];

/** To export such a key never returns when Node.js 20 collects garbage meanwhile. */
const mayHang = {
  name: 'node:crypto',
  importNames: ['generateKeyPair', 'generateKeyPairSync'],
  message: 'what it makes cannot be exported safely: use newEd25519',
};

const direction = (room) => {
  const rooms = forbidden(room).join('|');
  const message = `${room}/ may not import from ${forbidden(room).join('/, ')}/ (docs/README.md)`;
  const pattern = `^(\\.\\./)+(${rooms})/`;
  return {
    'no-restricted-imports': [
      'error',
      { patterns: [{ regex: pattern, message }], paths: [mayHang] },
    ],
    'no-restricted-syntax': [
      'error',
      { selector: `ImportExpression[source.value=/${pattern.replaceAll('/', '\\/')}/]`, message },
      { selector: `TSImportType[source.value=/${pattern.replaceAll('/', '\\/')}/]`, message },
    ],
  };
};

const onlyCliPrints = {
  'no-console': 'error',
  'no-restricted-properties': [
    'error',
    ...['stdout', 'stderr', 'env', 'exit', 'exitCode'].map((property) => ({
      object: 'process',
      property,
      message: 'only cli/ prints, exits and reads the environment: use the Context',
    })),
  ],
};

export default tseslint.config(
  { ignores: ['dist/', 'build/', 'node_modules/', 'bench/results/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'separate-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
      ],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  ...ROOMS.map((room) => ({
    files: [`${room}/**/*.ts`],
    rules: {
      'max-lines': ['error', { max: 300 }],
      'no-console': 'error',
      ...(room === 'cli' ? {} : onlyCliPrints),
      ...direction(room),
    },
  })),
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  {
    // A program of its own, in a thread or a child process; it has no Context to ask.
    files: ['builders/worker.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
);
