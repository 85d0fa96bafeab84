/**
 * A test for paths or names, whatever their case. `*` stands for any characters but `/`, `**` for
 * any characters. A pattern that begins with two stars and a slash matches at the root too.
 */
export function matcherOf(patterns: readonly string[]): (text: string) => boolean {
  const expressions = patterns.map(toExpression);
  return (text) => expressions.some((expression) => expression.test(text));
}

function toExpression(pattern: string): RegExp {
  const source = pattern
    .split(/(\*\*\/|\*\*|\*)/)
    .map((part) => {
      if (part === '**/') return '(?:.*/)?';
      if (part === '**') return '.*';
      if (part === '*') return '[^/]*';
      return part.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
    })
    .join('');
  return new RegExp(`^${source}$`, 'i');
}
