/** Somebody with a browser, as this host sees them: they open its links, press the button, and come back from a source. */
export interface Visitor {
  /** The page behind a link. */
  look(link: string): Promise<string>;
  /** Presses the button of that page: the address of the source that the browser is sent to. */
  goOn(link: string): Promise<string>;
  /** The page at the end. */
  comeBack(address: URL): Promise<string>;
  /** What the browser keeps, by name. */
  cookies: Map<string, string>;
}

/** `ask`: sends a request for a path to the host, whatever it calls itself. */
export function visitor(ask: (path: string, init: RequestInit) => Response | Promise<Response>): Visitor {
  const cookies = new Map<string, string>();

  async function visit(address: URL, init: RequestInit = {}): Promise<string> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await ask(`${address.pathname}${address.search}`, { ...init, headers: { ...init.headers, cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    return response.text();
  }

  return {
    cookies,
    look: (link) => visit(new URL(link)),
    async goOn(link) {
      const page = await visit(new URL(link));
      const { groups: { action = '', ticket = '', origin } = {} } =
        /<form method="post" action="(?<action>[^"]+)">\s*<input type="hidden" name="ticket" value="(?<ticket>[^"]+)" \/>(?:\s*<input type="hidden" name="origin" value="(?<origin>[^"]+)")?/.exec(
          page,
        ) ?? {};
      const next = await visit(new URL(action, link), {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', origin: new URL(link).origin, 'sec-fetch-site': 'same-origin' },
        body: new URLSearchParams({ ticket, ...(origin === undefined ? {} : { origin }) }).toString(),
      });
      const [, url = ''] = /<meta http-equiv="refresh" content="0;url=([^"]+)"/.exec(next) ?? [];
      if (url === '') throw new Error(`the browser got stuck: ${page} ${next}`);
      return url.replaceAll('&amp;', '&');
    },
    comeBack: (address) => visit(address),
  };
}
