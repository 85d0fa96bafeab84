import { html } from 'hono/html';
import type { JsonObject } from '../../domain/json.ts';
import { PROBLEM_KINDS } from '../../middleware/problem.ts';
import type { OpenApiDocument, OpenApiOperation, OpenApiParameter, OpenApiResponse } from '../openapi.ts';
import { curlExample, type Address } from './curl.ts';
import { page, prose, type Markup } from './page.ts';
import { bounds, schemaBody, typeOf } from './schema.ts';

/**
 * The reference of the API for people, made from its OpenAPI document.
 * @param origin Where the host is, for the examples.
 */
export function referencePage(document: OpenApiDocument, origin: string): Markup {
  const { info, tags, components } = document;
  const addresses = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Address => ({ path, method, operation })),
  );
  const groups = tags.map((tag) => ({ tag, addresses: addresses.filter(({ operation }) => operation.tags.includes(tag.name)) }));
  return page(
    `${info.title}: reference`,
    html`<div class="layout">
      ${contents(groups, Object.keys(components.schemas))}
      <main>
        <h1>${info.title}</h1>
        <p>${prose(info.description)}</p>
        <p><a href="/openapi.json">This reference as an OpenAPI 3.1 document</a></p>
        ${groups.map(
          (group) =>
            html`<h2>${group.tag.name}</h2>
              <p class="soft">${group.tag.description}</p>
              ${group.addresses.map((address) => operationSection(address, components.schemas, origin))}`,
        )}
        <h2 id="error-codes">Error codes</h2>
        <p>
          Every failed request gets a <a href="#schema-Problem">Problem</a> as <code>application/problem+json</code>. Decide by its
          <code>code</code>.
        </p>
        ${errorTable()}
        <h2 id="schemas">Schemas</h2>
        ${Object.entries(components.schemas).map(([name, schema]) => schemaSection(name, schema))}
      </main>
    </div>`,
  );
}

function contents(groups: readonly { tag: { name: string }; addresses: readonly Address[] }[], schemaNames: readonly string[]): Markup {
  return html`<nav class="contents" aria-label="Contents">
    ${groups.map(
      ({ tag, addresses }) =>
        html`<h2>${tag.name}</h2>
          <ul>
            ${addresses.map(({ method, operation }) => html`<li><a href="#${operation.operationId}">${methodLabel(method)}${operation.summary}</a></li>`)}
          </ul>`,
    )}
    <h2>Errors</h2>
    <ul>
      <li><a href="#error-codes">Error codes</a></li>
    </ul>
    <h2><a href="#schemas">Schemas</a></h2>
    <ul class="schemas">
      ${schemaNames.map((name) => html`<li><a href="#schema-${name}">${name}</a></li>`)}
    </ul>
  </nav>`;
}

function methodLabel(method: string): Markup {
  return html`<span class="method ${method}">${method.toUpperCase()}</span>`;
}

function operationSection(address: Address, schemas: Readonly<Record<string, JsonObject>>, origin: string): Markup {
  const { path, method, operation } = address;
  const body = operation.requestBody?.content['application/json']?.schema;
  return html`<section class="operation" id="${operation.operationId}">
    <h3>${operation.summary}</h3>
    <p class="address">${methodLabel(method)}<code>${path}</code></p>
    <p>${prose(operation.description)}</p>
    <p class="soft">${prose(whoMayCall(operation))}</p>
    ${operation.parameters.length === 0 ? '' : parameterTable(operation.parameters)}
    ${
      body === undefined
        ? ''
        : html`<h4>Body</h4>
            <p>${typeOf(body)} as <code>application/json</code>${operation.requestBody?.required === true ? '' : ', may be left out'}.</p>`
    }
    <h4>Responses</h4>
    ${responseTable(operation.responses)}
    <h4>Example</h4>
    <pre><code>${curlExample(address, schemas, origin)}</code></pre>
  </section>`;
}

function whoMayCall({ 'x-lorelai-access': access }: OpenApiOperation): string {
  if (access === undefined) return 'Everybody may call it, without a key.';
  const scopes = access.scopes.map((scope) => `\`${scope}\``).join(' or ');
  return access.organisation === 'host' ? `Callers of the whole host with ${scopes}.` : `Callers with ${scopes}.`;
}

function parameterTable(parameters: readonly OpenApiParameter[]): Markup {
  return html`<h4>Parameters</h4>
    <div class="table">
      <table>
        <thead>
          <tr>
            <th>Name</th>
            <th>In</th>
            <th>Type</th>
            <th>Meaning</th>
          </tr>
        </thead>
        <tbody>
          ${parameters.map(
            (parameter) =>
              html`<tr>
                <td><code>${parameter.name}</code> ${parameter.required ? html`<span class="needed">required</span>` : ''}</td>
                <td>${parameter.in}</td>
                <td>${typeOf(parameter.schema)}</td>
                <td>${prose(parameter.description)} ${bounds(parameter.schema)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

function responseTable(responses: Readonly<Record<string, OpenApiResponse>>): Markup {
  const rows = Object.entries(responses).map(([status, { description, content }]) => {
    const success = content?.['application/json']?.schema;
    const text = Object.keys(content ?? {}).find((mediaType) => mediaType.startsWith('text/'));
    // A description names one error code after another, each in backquotes.
    const meanings = description.split(/ (?=`[A-Z_]+`:)/).map((meaning) => html`<p>${prose(meaning)}</p>`);
    return html`<tr>
      <td><code>${status}</code></td>
      <td>
        ${success === undefined ? '' : html`<p>${typeOf(success)}</p>`}${text === undefined ? '' : html`<p><code>${text}</code></p>`}${meanings}
      </td>
    </tr>`;
  });
  return html`<div class="table">
    <table>
      <thead>
        <tr>
          <th>Status</th>
          <th>What it means</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

function errorTable(): Markup {
  return html`<div class="table">
    <table>
      <thead>
        <tr>
          <th>Code</th>
          <th>Status</th>
          <th>What it means</th>
        </tr>
      </thead>
      <tbody>
        ${Object.entries(PROBLEM_KINDS).map(
          ([code, { status, title }]) =>
            html`<tr id="${code}">
              <td><code>${code}</code></td>
              <td>${status}</td>
              <td>${title}.</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function schemaSection(name: string, schema: JsonObject): Markup {
  const description = typeof schema.description === 'string' ? schema.description : '';
  const example = Array.isArray(schema.examples) && schema.type === 'object' ? schema.examples[0] : undefined;
  return html`<section class="schema" id="schema-${name}">
    <h3>${name}</h3>
    <p>${prose(description)}</p>
    ${schemaBody(schema)}
    ${
      example === undefined
        ? ''
        : html`<h4>Example</h4>
            <pre><code>${JSON.stringify(example, null, 2)}</code></pre>`
    }
  </section>`;
}
