/** A browser without a screen: it keeps cookies, follows redirects and stops before it leaves for `until`. */
export interface Browser {
  /** The address that it was sent to, below `until`; everything before has been fetched. */
  follow(url: string, until: string): Promise<URL>;
  /** Sends a form as a person would, and goes on as `follow`. */
  submit(url: string, fields: Record<string, string>, until: string): Promise<URL>;
  /** The text of a page, redirects followed. */
  read(url: string, form?: Record<string, string>): Promise<string>;
}

const MAX_REDIRECTS = 20;

const form = (fields: Record<string, string>): RequestInit => ({ method: 'POST', body: new URLSearchParams(fields) });

export function openBrowser(): Browser {
  const cookies = new Map<string, string>();

  async function visit(url: string, init: RequestInit = {}): Promise<Response> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { ...init, redirect: 'manual', headers: { ...init.headers, cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const at = pair.indexOf('=');
      const value = pair.slice(at + 1);
      if (value === '') cookies.delete(pair.slice(0, at));
      else cookies.set(pair.slice(0, at), value);
    }
    return response;
  }

  async function go(url: string, init: RequestInit, until: string | undefined): Promise<{ url: URL; response: Response | undefined }> {
    let response = await visit(url, init);
    let here = new URL(url);
    for (let hops = 0; hops < MAX_REDIRECTS; hops += 1) {
      const location = response.headers.get('location');
      if (location === null) return { url: here, response };
      here = new URL(location, here);
      if (until !== undefined && here.href.startsWith(until)) return { url: here, response: undefined };
      response = await visit(here.href);
    }
    throw new Error(`redirected more than ${MAX_REDIRECTS} times`);
  }

  async function reached(url: string, init: RequestInit, until: string): Promise<URL> {
    const end = await go(url, init, until);
    if (end.response === undefined) return end.url;
    throw new Error(`the browser got stuck at ${end.url.href}: ${end.response.status} ${await end.response.text()}`);
  }

  return {
    follow: (url, until) => reached(url, {}, until),
    submit: (url, fields, until) => reached(url, form(fields), until),
    async read(url, fields) {
      const { response } = await go(url, fields === undefined ? {} : form(fields), undefined);
      return (await response?.text()) ?? '';
    },
  };
}
