/** The one style sheet of the pages that the host renders. Light or dark as the reader's system is; nothing is loaded from elsewhere. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1c2330; --soft: #566072; --line: #d9dee7; --paper: #fff; --tint: #f4f6fa; --mark: #0b5cad; --get: #1a7f4b; --post: #0b5cad; --patch: #8a5a00; --delete: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8f0; --soft: #9aa5b8; --line: #323a49; --paper: #141821; --tint: #1c222d; --mark: #7db7f5; --get: #6fd39f; --post: #7db7f5; --patch: #e6b450; --delete: #f28b82; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; color: var(--ink); background: var(--paper); font: 16px/1.55 system-ui, sans-serif; overflow-wrap: break-word; }
a { color: var(--mark); }
a:focus-visible, summary:focus-visible, button:focus-visible { outline: 2px solid var(--mark); outline-offset: 2px; }
code, pre { font: 0.875em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre { margin: 0.75rem 0; padding: 0.75rem 1rem; white-space: pre-wrap; background: var(--tint); border: 1px solid var(--line); border-radius: 6px; }
.layout { display: grid; grid-template-columns: 17rem minmax(0, 1fr); max-width: 78rem; margin: 0 auto; }
.contents { position: sticky; top: 0; align-self: start; max-height: 100vh; overflow-y: auto; padding: 1.5rem 1rem; border-right: 1px solid var(--line); font-size: 0.875rem; }
.contents h2 { margin: 1.1rem 0 0.3rem; font-size: 0.75rem; letter-spacing: 0.06em; text-transform: uppercase; color: var(--soft); }
.contents h2 a { color: inherit; }
.contents ul { margin: 0; padding: 0; list-style: none; }
.contents li a { display: flex; align-items: baseline; padding: 0.15rem 0.4rem; border-radius: 4px; color: inherit; text-decoration: none; overflow-wrap: anywhere; }
.contents li a:hover { background: var(--tint); }
main { min-width: 0; padding: 1.5rem 2rem 6rem; }
main.alone { max-width: 44rem; margin: 0 auto; }
h1 { margin: 0 0 0.5rem; font-size: 1.75rem; line-height: 1.2; }
h2 { margin: 3rem 0 0.25rem; font-size: 1.375rem; }
h3 { margin: 0 0 0.25rem; font-size: 1.0625rem; }
h4 { margin: 1.25rem 0 0.25rem; font-size: 0.8125rem; color: var(--soft); }
p { margin: 0.4rem 0; }
button { margin: 0.75rem 0; padding: 0.6rem 1.1rem; max-width: 100%; overflow-wrap: anywhere; color: var(--paper); background: var(--mark); border: 0; border-radius: 6px; font: inherit; font-weight: 600; cursor: pointer; }
button:hover { filter: brightness(1.1); }
.soft { color: var(--soft); }
.operation, .schema { margin: 1.25rem 0; padding: 1.1rem 1.25rem; border: 1px solid var(--line); border-radius: 8px; }
.operation:target, .schema:target { border-color: var(--mark); }
tr:target { background: var(--tint); }
.address { overflow-wrap: anywhere; }
.method { display: inline-block; flex: none; width: 3.6rem; font: 700 0.75rem ui-monospace, Menlo, Consolas, monospace; color: var(--get); }
.method.post { color: var(--post); } .method.patch { color: var(--patch); } .method.delete { color: var(--delete); }
.table { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: 0.9rem; }
th, td { padding: 0.4rem 0.75rem 0.4rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th { font-size: 0.75rem; font-weight: 600; color: var(--soft); }
td:first-child { white-space: nowrap; }
td p { margin: 0; }
.needed { font-size: 0.75rem; color: var(--delete); }
@media (max-width: 50rem) { .layout { display: block; } .contents { position: static; max-height: none; border-right: 0; border-bottom: 1px solid var(--line); } .contents .schemas { display: none; } main { padding: 1.25rem 1rem 4rem; } td:first-child, td:last-child { white-space: normal; overflow-wrap: anywhere; } }
`.trimStart();
