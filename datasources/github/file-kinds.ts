/** What a file is read as. `content` is the entry of `content_types` that asks for it. */
export interface FileKind {
  content: 'markdown' | 'code';
  mediaType: string;
}

const PROSE = new Map(
  Object.entries({
    md: 'text/markdown',
    mdx: 'text/markdown',
    markdown: 'text/markdown',
    rst: 'text/x-rst',
    adoc: 'text/asciidoc',
    asciidoc: 'text/asciidoc',
    org: 'text/org',
    textile: 'text/plain',
    txt: 'text/plain',
  }),
);

/** Source code and configuration by extension: those that people ask questions about. */
const CODE = byExtension({
  'text/x-c': ['c', 'h'],
  'text/x-c++': ['cc', 'cpp', 'cxx', 'hh', 'hpp', 'hxx', 'ino'],
  'text/x-clojure': ['clj', 'cljs', 'cljc', 'edn'],
  'text/x-csharp': ['cs'],
  'text/css': ['css', 'scss', 'sass', 'less'],
  'text/x-dart': ['dart'],
  'text/x-elixir': ['ex', 'exs'],
  'text/x-erlang': ['erl', 'hrl'],
  'text/x-fsharp': ['fs', 'fsx', 'fsi'],
  'text/x-go': ['go'],
  'text/x-groovy': ['groovy', 'gradle'],
  'text/x-haskell': ['hs', 'lhs'],
  'text/html': ['html', 'htm'],
  'text/x-java': ['java'],
  'text/javascript': ['js', 'cjs', 'mjs', 'jsx'],
  'text/x-julia': ['jl'],
  'text/x-kotlin': ['kt', 'kts'],
  'text/x-lua': ['lua'],
  'text/x-ocaml': ['ml', 'mli'],
  'text/x-perl': ['pl', 'pm'],
  'text/x-php': ['php'],
  'text/x-protobuf': ['proto'],
  'text/x-python': ['py', 'pyi', 'pyx'],
  'text/x-r': ['r', 'rmd'],
  'text/x-ruby': ['rb', 'rake', 'gemspec'],
  'text/x-rust': ['rs'],
  'text/x-scala': ['scala', 'sbt'],
  'text/x-sh': ['sh', 'bash', 'zsh', 'fish', 'ps1', 'bat', 'cmd'],
  'text/x-sql': ['sql'],
  'text/x-swift': ['swift'],
  'text/x-typescript': ['ts', 'cts', 'mts', 'tsx'],
  'text/x-vue': ['vue', 'svelte', 'astro'],
  'text/x-yaml': ['yaml', 'yml'],
  'text/x-zig': ['zig'],
  'text/plain': [
    ...[
      'tf',
      'tfvars',
      'hcl',
      'nix',
      'bicep',
      'rego',
      'toml',
      'ini',
      'cfg',
      'conf',
      'properties',
      'json',
      'jsonc',
      'json5',
      'xml',
      'xsd',
      'csproj',
    ],
    ...[
      'graphql',
      'gql',
      'wit',
      'wat',
      'thrift',
      'avsc',
      'prisma',
      'sol',
      'vb',
      'vim',
      'el',
      'lisp',
      'scm',
      'asm',
      's',
      'f90',
      'm',
      'mm',
      'cmake',
      'mk',
      'bzl',
    ],
    ...[
      'gd',
      'glsl',
      'cu',
      'hbs',
      'ejs',
      'erb',
      'jinja',
      'j2',
      'tmpl',
      'tpl',
      'coffee',
      'nim',
      'v',
      'sv',
      'vhd',
      'd',
      'pas',
      'proto3',
      'feature',
      'tex',
      'bib',
    ],
  ],
});

/** Files that are known by their whole name, in lower case. */
const NAMED = new Map<string, FileKind>([
  ...byName('markdown', [
    'readme',
    'contributing',
    'changelog',
    'changes',
    'history',
    'news',
    'authors',
    'codeowners',
    'security',
    'notice',
    'license',
    'copying',
  ]),
  ...byName('code', [
    'dockerfile',
    'containerfile',
    'makefile',
    'gnumakefile',
    'rakefile',
    'gemfile',
    'procfile',
    'justfile',
    'vagrantfile',
    'jenkinsfile',
  ]),
  ...byName('code', ['build', 'build.bazel', 'workspace', 'go.mod', 'cmakelists.txt', 'requirements.txt', '.gitignore', '.editorconfig']),
]);

/** Somebody else's work, or a machine's: folders whose content is copied in or built. */
const SKIPPED_FOLDERS = new Set([
  ...['node_modules', 'bower_components', 'jspm_packages', 'vendor', 'third_party', 'third-party', 'thirdparty', 'pods', 'carthage'],
  ...[
    '.git',
    '.yarn',
    '.venv',
    'venv',
    'site-packages',
    '__pycache__',
    '.tox',
    '.mypy_cache',
    '.next',
    '.nuxt',
    'dist',
    'coverage',
    '__snapshots__',
  ],
]);

const LOCK_FILES = new Set([
  ...['package-lock.json', 'npm-shrinkwrap.json', 'yarn.lock', 'pnpm-lock.yaml', 'bun.lock', 'deno.lock', 'composer.lock', 'gemfile.lock'],
  ...[
    'cargo.lock',
    'poetry.lock',
    'uv.lock',
    'pdm.lock',
    'pipfile.lock',
    'pixi.lock',
    'go.sum',
    'go.work.sum',
    'flake.lock',
    'mix.lock',
    'pubspec.lock',
  ],
  ...[
    'podfile.lock',
    'package.resolved',
    'packages.lock.json',
    'gradle.lockfile',
    '.terraform.lock.hcl',
    'module.bazel.lock',
    'conan.lock',
    'buf.lock',
  ],
]);

/** Output of compilers, minifiers and code generators, by name. */
const GENERATED_NAME =
  /([.-]min\.(js|mjs|cjs|css|html)|\.bundle\.js|\.chunk\.js|\.pb\.(go|cc|h)|_pb2(_grpc)?\.pyi?|_pb\.(js|d\.ts)|\.pb\.dart|\.g\.dart|\.freezed\.dart|\.designer\.cs|\.g\.cs|\.generated\.[a-z]+|_generated\.[a-z]+|\.gen\.go|zz_generated\.[\w.]+)$/;

/**
 * What to read a file as, by its path from the root of the repository; undefined for what is not
 * read: binary formats, data files, lock files, copied-in and generated code.
 */
export function kindOf(path: string): FileKind | undefined {
  const parts = path.toLowerCase().split('/');
  const name = parts.at(-1) ?? '';
  if (parts.slice(0, -1).some((folder) => SKIPPED_FOLDERS.has(folder))) return undefined;
  if (LOCK_FILES.has(name) || GENERATED_NAME.test(name)) return undefined;
  const named = NAMED.get(name);
  if (named !== undefined) return named;
  const dot = name.lastIndexOf('.');
  if (dot < 0) return undefined;
  const extension = name.slice(dot + 1);
  const prose = PROSE.get(extension);
  if (prose !== undefined) return { content: 'markdown', mediaType: prose };
  const code = CODE.get(extension);
  return code === undefined ? undefined : { content: 'code', mediaType: code };
}

/** Whether a tree below this folder can hold anything that `kindOf` would read. */
export function isSkippedFolder(path: string): boolean {
  return path
    .toLowerCase()
    .split('/')
    .some((folder) => SKIPPED_FOLDERS.has(folder));
}

function byName(content: FileKind['content'], names: readonly string[]): [string, FileKind][] {
  return names.map((name) => [name, { content, mediaType: 'text/plain' }]);
}

function byExtension(extensions: Record<string, readonly string[]>): Map<string, string> {
  return new Map(Object.entries(extensions).flatMap(([mediaType, names]) => names.map((name): [string, string] => [name, mediaType])));
}
