#!/usr/bin/env node
// Plain JavaScript that any Node with ES modules can parse: an old one must be told in words, not by a SyntaxError.
var needed = 26;

if (Number(process.versions.node.split('.')[0]) < needed) {
  process.stderr.write(
    'error: datasources needs Node ' +
      needed +
      ' or newer, whose permission model keeps datasources off the network, and this is Node ' +
      process.versions.node +
      ': install Node ' +
      needed +
      ', or run it through `npx` or `npm start`, which find the one in node_modules.\n',
  );
  process.exitCode = 1;
} else {
  // Node strips types from our own files, but refuses to for a package that lies inside node_modules.
  var built = import.meta.url.indexOf('/node_modules/') !== -1;
  import(built ? '../dist/host/cli.js' : '../host/cli.ts').then(function (cli) {
    return cli.runProcess();
  });
}
