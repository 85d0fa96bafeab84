/** Samples of the text format of Prometheus: `name{label="value"}` to its number. Throws at a line that is none of the format's. */
export function parsePrometheus(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  const typed = new Set<string>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const type = /^# TYPE ([a-zA-Z_:][\w:]*) (?:counter|gauge|histogram)$/.exec(line);
    if (type?.[1] !== undefined) typed.add(type[1]);
    if (line.startsWith('# ')) {
      if (type === null && !/^# HELP [a-zA-Z_:][\w:]* \S/.test(line)) throw new Error(`not a comment of the format: ${line}`);
      continue;
    }
    const sample = /^(([a-zA-Z_:][\w:]*)(?:\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)+\})?) (\S+)$/.exec(line);
    if (sample === null || !Number.isFinite(Number(sample[3]))) throw new Error(`not a sample: ${line}`);
    const [, series = '', name = ''] = sample;
    if (!typed.has(name) && !typed.has(name.replace(/_(?:bucket|sum|count)$/, ''))) throw new Error(`${name} has no type`);
    if (samples.has(series)) throw new Error(`${series} is there twice`);
    samples.set(series, Number(sample[3]));
  }
  return samples;
}
