interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly description?: string;
  readonly required: boolean;
}

interface Operation {
  readonly summary: string;
  readonly description?: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> };
  readonly responses: Readonly<Record<string, { readonly description?: string }>>;
  readonly 'x-capability'?: string;
}

/** A page that shows an OpenAPI document: self-contained, no resource from anywhere. */
export function docsPage(document: Readonly<Record<string, unknown>>, origin: string): string {
  const paths = document.paths as Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  const { version } = document.info as { readonly version: string };
  const cards = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => card(method.toUpperCase(), path, operation, origin)),
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Motehost API</title><style>${style}</style></head><body>
<header><h1>Motehost</h1><p>HTTP API, version ${safe(version)}. <a href="/openapi.json">OpenAPI 3.1</a></p>
<p>Errors are <code>application/problem+json</code>; every answer has an <code>x-request-id</code>. Where tokens are asked
for, send <code>Authorization: Bearer TOKEN</code>.</p></header>
<main>${cards.join('')}</main><script>${script}</script></body></html>
`;
}

function card(method: string, path: string, operation: Operation, origin: string): string {
  const { summary, description, parameters, responses } = operation;
  const capability = operation['x-capability'];
  const rows = parameters.map((one) => row(one.name, one.in, one.description ?? ''));
  const answers = Object.entries(responses)
    .filter(([status]) => status !== 'default')
    .map(([status, note]) => row(status, '', note.description ?? ''));
  return `<details><summary><b class="${method.toLowerCase()}">${method}</b> <code>${safe(path)}</code>
<span>${marked(summary)}</span></summary>
${description === undefined ? '' : `<p>${marked(description)}</p>`}
<p class="need">${capability === undefined ? 'Public.' : `Needs <code>${safe(capability)}</code>.`}</p>
<div class="try"><pre>${safe(curlLine(method, path, operation, origin))}</pre><button type="button">Copy</button></div>
<table>${rows.join('')}${answers.join('')}</table></details>
`;
}

function row(name: string, place: string, description: string): string {
  return `<tr><th><code>${safe(name)}</code></th><td>${safe(place)}</td><td>${marked(description)}</td></tr>`;
}

const examples: Readonly<Record<string, string>> = {
  name: 'NAME',
  subject: 'orders.created',
  pattern: 'orders.%3E',
  id: 'ID',
};

function curlLine(method: string, path: string, operation: Operation, origin: string): string {
  const url = origin + path.replace(/\{(\w+)\}/g, (_, name: string) => examples[name] ?? name.toUpperCase());
  const types = Object.keys(operation.requestBody?.content ?? {});
  const ok = operation.responses[200] as { readonly content?: Readonly<Record<string, unknown>> } | undefined;
  const words = ['curl', ok?.content?.['text/event-stream'] === undefined ? '-i' : '-N'];
  if (method !== 'GET' && (method !== 'POST' || types.length === 0)) words.push('-X', method);
  if (types.includes('application/wasm'))
    words.push('-H', "'content-type: application/wasm'", '--data-binary', '@agent.wasm');
  else if (types.length > 0) words.push('-H', "'content-type: text/plain'", '-d', "'hello'");
  words.push(`'${url}${types.includes('application/wasm') ? '?name=NAME' : ''}'`);
  return words.join(' ');
}

function safe(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** Escaped, with `code` as code. */
function marked(text: string): string {
  return safe(text).replace(/`([^`]+)`/g, '<code>$1</code>');
}

const style = `
:root{color-scheme:light dark;--ink:#1c1f23;--soft:#5b6470;--paper:#fbfbf9;--card:#fff;--line:#dfe2e6;--code:#f0f1ee}
@media(prefers-color-scheme:dark){:root{--ink:#e6e8eb;--soft:#9aa4b0;--paper:#15181b;--card:#1c2024;--line:#31373e;--code:#262b31}}
*{box-sizing:border-box}body{margin:0 auto;max-width:56rem;padding:2rem 1rem;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
h1{margin:0;font-size:1.6rem}a{color:inherit}code,pre{font:14px/1.5 ui-monospace,monospace}
details{background:var(--card);border:1px solid var(--line);border-radius:8px;margin:.5rem 0;padding:.5rem .8rem}
summary{cursor:pointer;overflow-wrap:anywhere}summary span{color:var(--soft);margin-left:.5rem}
summary b{display:inline-block;min-width:4.2em;font-size:.8rem}b.get{color:#2f7d55}b.post{color:#2c69b3}b.delete{color:#b3403a}
@media(prefers-color-scheme:dark){b.get{color:#6fc496}b.post{color:#7db1ee}b.delete{color:#ef8d86}}
.need{color:var(--soft)}.try{display:flex;gap:.5rem;align-items:start}pre{flex:1;margin:0;padding:.6rem;background:var(--code);border-radius:6px;overflow:auto}
button{font:inherit;padding:.35rem .8rem;border:1px solid var(--line);border-radius:6px;background:var(--card);color:inherit;cursor:pointer}
table{width:100%;border-collapse:collapse;margin-top:.6rem}th,td{padding:.25rem .5rem;border-top:1px solid var(--line);text-align:left;vertical-align:top}
th{font-weight:400;white-space:nowrap}td:nth-child(2){color:var(--soft)}`;

const script = `document.addEventListener('click',async(e)=>{const b=e.target;if(b.tagName!=='BUTTON')return;
await navigator.clipboard.writeText(b.previousElementSibling.textContent);b.textContent='Copied';setTimeout(()=>{b.textContent='Copy'},1500)})`;
